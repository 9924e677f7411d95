"""Normals and tangent axes at the vertices of meshes and point clouds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["cloud_normals", "nearest_neighbours", "tangent_frames", "vertex_normals"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# below this share of what its faces add up to without regard to direction, a normal is rounding
_CANCELLED = 1e-10
_WIGGLE = 1e-4
_WIGGLE_SEED = 777


def vertex_normals(vertices: Floats, faces: Integers, epsilon: float = 1e-6) -> Floats:
    """Sum the normals of the faces around each vertex, and normalise.

    The normal of a face is its cross product over the length of this plus ``epsilon``, so that
    faces much smaller than ``epsilon`` weigh less. Where the sum is exactly zero, it is taken
    again with the vertex moved a little; a vertex without faces gets an arbitrary direction.
    Where the normals of a folded surface cancel up to rounding, the first face gives its own.
    All of this is deterministic.

    Args:
        vertices: Positions ``(vertices, 3)``, in metres.
        faces: Corners ``(triangles, 3)``.
        epsilon: Added to twice the area of each face, in square metres.

    Returns:
        Unit vectors ``(vertices, 3)``.

    Source:
        Sharp et al., "DiffusionNet", 2022, published code.
    """
    sums, lengths = _summed_normals(vertices, faces, epsilon)
    size = np.linalg.norm(sums, axis=1)
    bad = size == 0
    if bad.any():
        random = np.random.RandomState(_WIGGLE_SEED).rand(len(vertices), 3) - 0.5
        scale = _WIGGLE * float(np.linalg.norm(np.ptp(vertices, axis=0)))
        moved = vertices + bad[:, None] * random * scale
        sums, lengths = _summed_normals(moved, faces, epsilon)
        size = np.linalg.norm(sums, axis=1)
        bad = size == 0
        sums[bad] = random[bad]
        size[bad] = np.linalg.norm(random[bad], axis=1)
        lengths[bad] = 0
    folded = np.flatnonzero(size < _CANCELLED * lengths)
    if len(folded):
        crosses = _crosses(vertices, faces)
        for vertex in folded:
            touching = crosses[(faces == vertex).any(axis=1)]
            sums[vertex] = touching[np.argmax(np.linalg.norm(touching, axis=1) > 0)]
        size[folded] = np.linalg.norm(sums[folded], axis=1)
    return sums / size[:, None]


def nearest_neighbours(vertices: Floats, count: int) -> Integers:
    """Find the nearest other points of each point of a cloud.

    Args:
        vertices: Positions ``(points, 3)``.
        count: Number of neighbours, less than that of the points.

    Returns:
        Indices ``(points, count)``, ascending in each row.
    """
    from scipy.spatial import KDTree

    found = KDTree(vertices).query(vertices, k=count + 1)[1]
    # a point among many duplicates need not find itself
    own = found == np.arange(len(vertices))[:, None]
    own[~own.any(axis=1), -1] = True
    return np.sort(found[~own].reshape(len(vertices), count), axis=1)


def cloud_normals(vertices: Floats, neighbours: Integers) -> Floats:
    """Give the directions in which the neighbours of each point spread least; signs are arbitrary.

    Args:
        vertices: Positions ``(points, 3)``.
        neighbours: Indices ``(points, k)`` of the nearest other points.

    Returns:
        Unit vectors ``(points, 3)``.
    """
    offsets = vertices[neighbours] - vertices[:, None]
    return np.linalg.eigh(offsets.transpose(0, 2, 1) @ offsets)[1][:, :, 0]


def tangent_frames(normals: Floats) -> Floats:
    """Complete normals to frames, the first axis along x where the surface allows it.

    Args:
        normals: Unit vectors ``(vertices, 3)``.

    Returns:
        Rows X, Y and normal of each vertex ``(vertices, 3, 3)``.
    """
    along_x = np.abs(normals[:, :1]) < 0.9
    axis = np.where(along_x, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    tangent = axis - normals * (axis * normals).sum(axis=1, keepdims=True)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-6
    return np.stack([tangent, np.cross(normals, tangent), normals], axis=1)


def _crosses(vertices: Floats, faces: Integers) -> Floats:
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    return np.cross(b - a, c - a)


def _summed_normals(vertices: Floats, faces: Integers, epsilon: float) -> tuple[Floats, Floats]:
    """Sum the normals ``(vertices, 3)`` of the faces around each vertex, and their lengths."""
    normals = _crosses(vertices, faces)
    length = np.linalg.norm(normals, axis=1)
    normals /= (length + epsilon)[:, None]
    corners, count = faces.T.ravel(), len(vertices)
    columns = (*normals.T, length / (length + epsilon))
    sums = [np.bincount(corners, np.tile(each, 3), minlength=count) for each in columns]
    return np.stack(sums[:3], axis=1), sums[3].astype(np.float64)
