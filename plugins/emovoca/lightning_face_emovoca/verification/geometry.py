"""Whether a mesh that moves is still the surface it was at rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["SurfaceCheck", "unique_edges"]

Floats = NDArray[np.floating]

_SHORTEST = 1e-9


def unique_edges(faces: NDArray[np.integer]) -> NDArray[np.int64]:
    """List the edges of triangles ``(triangles, 3)``, each once.

    Returns:
        Vertices at both ends ``(edges, 2)``, the smaller first.
    """
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges: NDArray[np.int64] = np.unique(np.sort(pairs, axis=1), axis=0).astype(np.int64)
    return edges


class SurfaceCheck:
    """Compares the edges and triangles of frames with those of the template.

    Args:
        template: Neutral head ``(vertices, 3)`` in metres.
        faces: Triangles ``(triangles, 3)``.
        edge_low: Least sound ratio of an edge to its length at rest.
        edge_high: Largest sound ratio.
    """

    def __init__(
        self, template: Floats, faces: NDArray[np.integer], edge_low: float, edge_high: float
    ) -> None:
        self._template = template.astype(np.float32)
        edges = unique_edges(faces)
        squares = _squared_lengths(self._template, edges)
        # an edge without a length has no ratio
        seen = squares > _SHORTEST**2
        self._edges, self._squares = edges[seen], squares[seen]
        self._limits = edge_low**2, edge_high**2
        self._faces = faces.astype(np.int64)
        self._normals = _normals(self._template, self._faces)

    def edges_kept(self, displacement: Floats) -> float:
        """Return the share of edges of one frame ``(vertices, 3)`` within the limits."""
        moved = self._template + displacement
        ratio = _squared_lengths(moved, self._edges) / self._squares
        return float(((ratio >= self._limits[0]) & (ratio <= self._limits[1])).mean())

    def flipped(self, displacement: Floats) -> float:
        """Return the share of triangles of one frame that look the other way than at rest."""
        turned = _normals(self._template + displacement, self._faces)
        return float((np.einsum("fc,fc->f", turned, self._normals) < 0).mean())


def _squared_lengths(vertices: Floats, edges: NDArray[np.int64]) -> Floats:
    difference = vertices[edges[:, 0]] - vertices[edges[:, 1]]
    lengths: Floats = np.einsum("ec,ec->e", difference, difference)
    return lengths


def _normals(vertices: Floats, faces: NDArray[np.int64]) -> Floats:
    first, second, third = (vertices[faces[:, corner]] for corner in range(3))
    normals: Floats = np.cross(second - first, third - first)
    return normals
