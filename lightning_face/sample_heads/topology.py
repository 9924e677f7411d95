"""Meshes of the sample's heads on the unit sphere: geodesic nets, denser in the face, lips cut."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOUTH_HALF_WIDTH", "MOUTH_HEIGHT", "HeadTopology", "SphereMesh", "geodesic_sphere"]

Floats = NDArray[np.float64]
Faces = NDArray[np.int64]

MOUTH_HEIGHT = -0.36
"""Height of the mouth's slit in coordinates of the unit sphere."""

MOUTH_HALF_WIDTH = 0.3
"""Half the length of the slit."""

_FOCUS_AXIS = np.array([0.0, -0.2, 0.98])
_SNAP = 0.3
_FACE_AXIS, _FACE_END = np.array([0.0, 0.6, 0.8]), -0.15


@dataclass(frozen=True, eq=False)
class SphereMesh:
    """A triangle mesh on the unit sphere.

    Attributes:
        directions: Points of length 1 ``(vertices, 3)``.
        faces: Triangles ``(faces, 3)``, counter-clockwise seen from outside.
        side: Which lip a vertex of the slit belongs to ``(vertices,)``: 1 upper, -1 lower, 0 none.
        eyeball: Which eyeball a vertex belongs to ``(vertices,)``: -1 and 1, 0 the skin.
    """

    directions: Floats
    faces: Faces
    side: NDArray[np.int64]
    eyeball: NDArray[np.int64]


@dataclass(frozen=True)
class HeadTopology:
    """Connectivity of heads, the same for all identities.

    Attributes:
        frequency: Parts into which each edge of the icosahedron is cut; the sphere has
            ``10 * frequency ** 2 + 2`` vertices before the lips are cut apart.
        eyeballs: Two more components.
        face_only: Leave out the back of the head and the neck, as face scans do.
        focus: How far the net is pushed towards the mouth, where it is ``(1 + focus) ** 2`` times
            as dense as a regular one; below 1.
        eyeball_frequency: Parts of the edges of the icosahedra that the eyeballs are.
    """

    frequency: int
    eyeballs: bool = False
    face_only: bool = False
    focus: float = 0.5
    eyeball_frequency: int = 3

    def sphere(self) -> SphereMesh:
        """Return the net of the head before it has the shape of anyone."""
        return _sphere(self)


@cache
def geodesic_sphere(frequency: int) -> tuple[Floats, Faces]:
    """Cut each face of the icosahedron into ``frequency ** 2`` triangles on the unit sphere.

    Args:
        frequency: Parts of each edge, at least 1.

    Returns:
        Points ``(10 * frequency ** 2 + 2, 3)`` and triangles ``(20 * frequency ** 2, 3)``, seen
        counter-clockwise from outside.
    """
    golden = (1 + 5**0.5) / 2
    signs = np.array([(s, t * golden) for s in (-1, 1) for t in (-1, 1)])
    zeros = np.zeros(len(signs))
    corners = np.concatenate(
        [np.roll(np.column_stack([zeros, signs]), turn, axis=1) for turn in range(3)]
    )
    distance = np.linalg.norm(corners[:, None] - corners, axis=-1)
    near = np.isclose(distance, 2.0)
    triples = [
        (a, b, c)
        for a in range(12)
        for b in range(a + 1, 12)
        for c in range(b + 1, 12)
        if near[a, b] and near[b, c] and near[a, c]
    ]
    steps = [(i, j) for i in range(frequency + 1) for j in range(frequency + 1 - i)]
    place = {step: number for number, step in enumerate(steps)}
    small = [(place[i, j], place[i + 1, j], place[i, j + 1]) for i, j in steps if i + j < frequency]
    small += [
        (place[i + 1, j], place[i + 1, j + 1], place[i, j + 1])
        for i, j in steps
        if i + j < frequency - 1
    ]
    weights = np.array([(frequency - i - j, i, j) for i, j in steps]) / frequency
    points = np.concatenate([weights @ corners[list(triple)] for triple in triples])
    faces = np.concatenate([np.array(small) + k * len(steps) for k in range(len(triples))])
    _, first, number = np.unique(points.round(9), axis=0, return_index=True, return_inverse=True)
    points = points[first] / np.linalg.norm(points[first], axis=1, keepdims=True)
    faces = number.reshape(-1)[faces]
    centres = points[faces].mean(axis=1)
    edges = np.diff(points[faces], axis=1)
    inward = np.einsum("fi,fi->f", np.cross(edges[:, 0], edges[:, 1]), centres) < 0
    faces[inward] = faces[inward][:, ::-1]
    return points, faces.astype(np.int64)


@cache
def _sphere(topology: HeadTopology) -> SphereMesh:
    regular, faces = geodesic_sphere(topology.frequency)
    # turned, so that no vertex lies on a plane of symmetry of the head
    random = np.random.default_rng(topology.frequency)
    turn = np.linalg.qr(random.standard_normal((3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    directions = regular @ turn.T + topology.focus * _FOCUS_AXIS
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    if topology.face_only:
        directions, faces = _keep_face(directions, faces)
    directions, faces, side = _cut_lips(directions, faces)
    eyeball = np.zeros(len(directions), dtype=np.int64)
    if topology.eyeballs:
        ball, ball_faces = geodesic_sphere(topology.eyeball_frequency)
        for which in (-1, 1):
            faces = np.concatenate([faces, ball_faces + len(directions)])
            directions = np.concatenate([directions, ball])
            eyeball = np.concatenate([eyeball, np.full(len(ball), which)])
        side = np.concatenate([side, np.zeros(len(eyeball) - len(side), dtype=np.int64)])
    return SphereMesh(directions, faces, side, eyeball)


def _keep_face(directions: Floats, faces: Faces) -> tuple[Floats, Faces]:
    """Leave out what is behind a plane, and end the mesh smoothly at it."""
    faces = faces[directions[faces].mean(axis=1) @ _FACE_AXIS > _FACE_END]
    used, faces = np.unique(faces, return_inverse=True)
    directions, faces = directions[used], faces.reshape(-1, 3).astype(np.int64)
    edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    edges, uses = np.unique(edges, axis=0, return_counts=True)
    rim = np.unique(edges[uses == 1])
    across = directions[rim] - np.outer(directions[rim] @ _FACE_AXIS, _FACE_AXIS)
    across *= np.sqrt(1 - _FACE_END**2) / np.linalg.norm(across, axis=1, keepdims=True)
    directions[rim] = _FACE_END * _FACE_AXIS + across
    return directions, faces


def _cut_lips(directions: Floats, faces: Faces) -> tuple[Floats, Faces, NDArray[np.int64]]:
    """Cut a mesh along the slit of the mouth: its inner vertices are there twice afterwards."""
    directions = _snap_to_slit(directions, faces)
    directions, faces = _split_crossing_edges(directions, faces)
    height = _height(directions)
    above, below = (height[faces] > 0).any(axis=1), (height[faces] < 0).any(axis=1)
    pinned = np.unique(faces[above & below])
    inner = np.flatnonzero(
        (height == 0) & (directions[:, 2] > 0) & (np.abs(directions[:, 0]) < MOUTH_HALF_WIDTH)
    )
    inner = np.setdiff1d(inner, pinned)
    lower_copy = np.arange(len(directions))
    lower_copy[inner] = len(directions) + np.arange(len(inner))
    faces = faces.copy()
    faces[below & ~above] = lower_copy[faces[below & ~above]]
    side = np.zeros(len(directions) + len(inner), dtype=np.int64)
    side[inner], side[len(directions) :] = 1, -1
    return np.concatenate([directions, directions[inner]]), faces, side


def _height(directions: Floats) -> Floats:
    """Signed distance from the line of the slit, exactly 0 on it."""
    height = directions[:, 1] - MOUTH_HEIGHT
    return np.where(np.abs(height) < 1e-9, 0.0, height)


def _snap_to_slit(directions: Floats, faces: Faces) -> Floats:
    """Move vertices that nearly lie on the slit onto it, which keeps slivers away."""
    edges = directions[faces] - directions[faces[:, [1, 2, 0]]]
    front = (directions[:, 2] > 0) & (np.abs(directions[:, 0]) < MOUTH_HALF_WIDTH)
    length = np.linalg.norm(edges, axis=-1)[front[faces].any(axis=1)].mean()
    near = front & (np.abs(_height(directions)) < _SNAP * length)
    snapped = directions.copy()
    flat = directions[near] * (1.0, 0.0, 1.0)
    flat *= np.sqrt(1 - MOUTH_HEIGHT**2) / np.linalg.norm(flat, axis=1, keepdims=True)
    flat[:, 1] = MOUTH_HEIGHT
    snapped[near] = flat
    return snapped


def _split_crossing_edges(directions: Floats, faces: Faces) -> tuple[Floats, Faces]:
    """Put a vertex where an edge crosses the slit, and cut the triangles of the edge there."""
    height = _height(directions)
    edges = np.unique(np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1), axis=0)
    low, high = height[edges[:, 0]], height[edges[:, 1]]
    crossing = low * high < 0
    edges = edges[crossing]
    share = (low[crossing] / (low[crossing] - high[crossing]))[:, None]
    points = (1 - share) * directions[edges[:, 0]] + share * directions[edges[:, 1]]
    within = (points[:, 2] > 0) & (np.abs(points[:, 0]) < MOUTH_HALF_WIDTH)
    points = points[within]
    reach = np.sqrt(1 - MOUTH_HEIGHT**2) / np.linalg.norm(points[:, [0, 2]], axis=1)
    points = np.column_stack(
        [points[:, 0] * reach, np.full(len(points), MOUTH_HEIGHT), points[:, 2] * reach]
    )
    inserted = {
        (int(a), int(b)): len(directions) + number for number, (a, b) in enumerate(edges[within])
    }
    cut: list[tuple[int, int, int]] = []
    for face in faces.tolist():
        cut += _cut_face(face, inserted)
    return np.concatenate([directions, points]), np.array(cut, dtype=np.int64)


def _cut_face(face: list[int], inserted: dict[tuple[int, int], int]) -> list[tuple[int, int, int]]:
    """Cut a triangle at the vertices inserted in up to two of its edges."""
    for turn in range(3):
        a, b, c = face[turn:] + face[:turn]
        ab, bc, ca = (inserted.get((min(edge), max(edge))) for edge in ((a, b), (b, c), (c, a)))
        if ab is not None and ca is not None:
            return [(a, ab, ca), (ab, b, c), (ab, c, ca)]
        if ab is not None and bc is None and ca is None:
            return [(a, ab, c), (ab, b, c)]
    return [(face[0], face[1], face[2])]
