"""Meshes of fewer vertices, each of them a vertex of the finer mesh.

Source: Garland and Heckbert, Surface simplification using quadric error metrics, SIGGRAPH 1997.
"""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

__all__ = ["collapse_edges"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# what it costs to leave the line of the boundary, relative to leaving the surface
_BOUNDARY_WEIGHT = 100.0
# what the length of an edge adds to its cost: where all is flat, short edges go first
_LENGTH_WEIGHT = 1e-3
# how far a triangle may turn, as the cosine between its normals
_LEAST_COSINE = 0.2


def collapse_edges(vertices: Floats, faces: Ints, num_kept: int) -> tuple[Ints, Ints]:
    """Move vertices into neighbours, the least missed first, until few enough are left.

    The surface stays one of the same topology: edges keep two triangles at most, the boundary
    stays a boundary, and no connected part is lost.

    Args:
        vertices: Positions ``(vertices, 3)``.
        faces: Triangles ``(faces, 3)``.
        num_kept: Vertices wanted; more stay if the topology asks for them.

    Returns:
        Kept vertices, increasing, ``(kept,)``, and triangles between them, by their places in
        that list, ``(kept faces, 3)``. Vertices of no triangle are not kept.
    """
    collapse = _Collapse(vertices, faces)
    collapse.run(num_kept, _LEAST_COSINE)
    # rather a folded triangle than too large a level
    collapse.run(num_kept, -1.0)
    left = np.array([face for face in collapse.faces if face is not None], dtype=np.int64)
    kept, places = np.unique(left.reshape(-1, 3), return_inverse=True)
    return kept, places.reshape(-1, 3).astype(np.int64)


class _Collapse:
    """A mesh that loses vertices, one at a time.

    Attributes:
        faces: Triangles; None for those that are gone.
    """

    def __init__(self, vertices: Floats, faces: Ints) -> None:
        self.vertices = vertices
        self.faces: list[tuple[int, int, int] | None] = [(a, b, c) for a, b, c in faces.tolist()]
        self.faces_of: list[set[int]] = [set() for _ in vertices]
        for index, face in enumerate(faces.tolist()):
            for corner in face:
                self.faces_of[corner].add(index)
        self.num_left = len(np.unique(faces))
        self.version = [0] * len(vertices)
        self.quadrics = _quadrics(vertices, faces)

    def run(self, num_kept: int, least_cosine: float) -> None:
        """Collapse edges until so many vertices are left, or none can be collapsed."""
        queue: list[tuple[float, int, int, int, int]] = []
        for vertex, found in enumerate(self.faces_of):
            if found:
                self._offer(queue, [(vertex, near) for near in sorted(self._neighbours(vertex))])
        while queue and self.num_left > num_kept:
            _, gone, stays, version, other_version = heapq.heappop(queue)
            if (self.version[gone], self.version[stays]) != (version, other_version):
                continue
            if self._possible(gone, stays, least_cosine):
                self._move(gone, stays)
                pairs = [
                    pair
                    for near in sorted(self._neighbours(stays))
                    for pair in ((stays, near), (near, stays))
                ]
                self._offer(queue, pairs)

    def _offer(
        self, queue: list[tuple[float, int, int, int, int]], pairs: list[tuple[int, int]]
    ) -> None:
        """Put moves of the first vertex of each pair into the second one into the queue."""
        gone, stays = np.array(pairs).T
        places = self.vertices[stays]
        flat = np.concatenate([places, np.ones((len(places), 1))], axis=1)
        costs = np.einsum(
            "ni,nij,nj->n", flat, self.quadrics[gone] + self.quadrics[stays], flat
        ) + _LENGTH_WEIGHT * ((places - self.vertices[gone]) ** 2).sum(axis=1)
        for cost, (one, other) in zip(costs.tolist(), pairs, strict=True):
            heapq.heappush(queue, (cost, one, other, self.version[one], self.version[other]))

    def _neighbours(self, vertex: int) -> set[int]:
        found = {corner for index in self.faces_of[vertex] for corner in self.faces[index] or ()}
        return found - {vertex}

    def _on_boundary(self, vertex: int) -> bool:
        return len(self._neighbours(vertex)) != len(self.faces_of[vertex])

    def _possible(self, gone: int, stays: int, least_cosine: float) -> bool:
        """Tell whether a move leaves a surface of the same topology."""
        shared = self.faces_of[gone] & self.faces_of[stays]
        if len(self._neighbours(gone) & self._neighbours(stays)) != len(shared):
            return False
        # an inner edge between two boundaries would pinch them together
        if self._on_boundary(gone) and (len(shared) != 1 or not self._on_boundary(stays)):
            return False
        moving = self.faces_of[gone] - shared
        if not moving and len(self.faces_of[stays]) == len(shared):
            return False
        there = {frozenset(self.faces[index] or ()) for index in self.faces_of[stays] - shared}
        for index in moving:
            before = self.faces[index] or ()
            after = [stays if corner == gone else corner for corner in before]
            if frozenset(after) in there:
                return False
            normals = self._normal(list(before)), self._normal(after)
            lengths = np.linalg.norm(normals[0]) * np.linalg.norm(normals[1])
            if normals[0] @ normals[1] < least_cosine * lengths:
                return False
        return True

    def _normal(self, corners: list[int]) -> Floats:
        a, b, c = self.vertices[corners]
        return np.cross(b - a, c - a)

    def _move(self, gone: int, stays: int) -> None:
        for index in list(self.faces_of[gone]):
            face = self.faces[index] or ()
            for corner in face:
                self.faces_of[corner].discard(index)
            self.faces[index] = None
            if stays in face:
                continue
            a, b, c = (stays if corner == gone else corner for corner in face)
            self.faces[index] = (a, b, c)
            for corner in (a, b, c):
                self.faces_of[corner].add(index)
        self.quadrics[stays] += self.quadrics[gone]
        self.version[gone] += 1
        self.version[stays] += 1
        self.num_left -= 1


def _quadrics(vertices: Floats, faces: Ints) -> Floats:
    """Sum the squared distances from the planes of each vertex's triangles and boundaries.

    Returns:
        Quadratic forms of positions with a 1 behind them ``(vertices, 4, 4)``.
    """
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    _, first, counts = np.unique(edges, axis=0, return_index=True, return_counts=True)
    boundary = first[counts == 1]
    ends = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)[boundary]
    along = vertices[ends[:, 1]] - vertices[ends[:, 0]]
    upright = np.cross(along, normals[boundary // 3])
    found = np.zeros((len(vertices), 4, 4))
    for each, weight, members in ((normals, 1.0, faces), (upright, _BOUNDARY_WEIGHT, ends)):
        lengths = np.linalg.norm(each, axis=1, keepdims=True)
        unit = np.divide(each, lengths, out=np.zeros_like(each), where=lengths > 0)
        offsets = -(unit * vertices[members[:, 0]]).sum(axis=1, keepdims=True)
        planes = np.concatenate([unit, offsets], axis=1)
        forms = weight * planes[:, :, None] * planes[:, None]
        for corner in members.T:
            np.add.at(found, corner, forms)
    return found
