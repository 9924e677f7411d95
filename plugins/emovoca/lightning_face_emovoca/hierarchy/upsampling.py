"""Weights that bring what is known at the vertices of a coarse mesh to those of a fine one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError
from lightning_face.optional import optional_import

__all__ = ["closest_triangle_weights"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# how many fine vertices are compared with all triangles at once
_BLOCK = 512
# of the largest triangle's
_SMALLEST_AREA = 1e-9


def closest_triangle_weights(
    points: Floats, parts: Ints, vertices: Floats, faces: Ints, vertex_parts: Ints
) -> tuple[Ints, Floats]:
    """Find the closest place on a mesh to each point, on its own connected part if it has one.

    Args:
        points: Positions ``(points, 3)``.
        parts: Connected part of each point ``(points,)``.
        vertices: Positions of the mesh ``(vertices, 3)``.
        faces: Its triangles ``(faces, 3)``.
        vertex_parts: Connected part of each vertex ``(vertices,)``, by the same numbers.

    Returns:
        Corners of the triangle that has the closest place, and the place's barycentric weights,
        from 0 to 1, which sum to 1, ``(points, 3)``.

    Raises:
        DataError: All triangles are degenerate.
    """
    triangles = optional_import("trimesh.triangles", extra="geometry")
    # on a triangle without area no place has weights of its own; what lies on it lies on others
    areas = triangles.area(vertices[faces])
    faces = faces[areas > _SMALLEST_AREA * areas.max()]
    if len(faces) == 0:
        raise DataError("all triangles of a level of the mesh hierarchy are degenerate")
    corners = vertices[faces]
    centres = corners.mean(axis=1)
    radii = np.linalg.norm(corners - centres[:, None], axis=2).max(axis=1)
    face_parts = vertex_parts[faces[:, 0]]
    indices, weights = np.empty((len(points), 3), np.int64), np.empty((len(points), 3))
    for start in range(0, len(points), _BLOCK):
        block = slice(start, min(start + _BLOCK, len(points)))
        own = parts[block, None] == face_parts
        own |= ~own.any(axis=1, keepdims=True)
        to_centres = np.linalg.norm(points[block, None] - centres, axis=2)
        to_centres[~own] = np.inf
        # a triangle is no farther than its centre, and no closer than its circle
        farthest = to_centres.min(axis=1, keepdims=True)
        rows, columns = np.nonzero(to_centres - radii <= farthest)
        there = points[block][rows]
        closest = triangles.closest_point(corners[columns], there)
        order = np.lexsort((columns, ((closest - there) ** 2).sum(axis=1), rows))
        first = order[np.searchsorted(rows[order], np.arange(block.stop - block.start))]
        chosen = columns[first]
        indices[block] = faces[chosen]
        weights[block] = triangles.points_to_barycentric(
            corners[chosen], closest[first], method="cross"
        )
    weights = np.clip(weights, 0.0, None)
    return indices, weights / weights.sum(axis=1, keepdims=True)
