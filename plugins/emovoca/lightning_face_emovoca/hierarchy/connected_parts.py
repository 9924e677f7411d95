"""Parts of a mesh that no edge connects, such as a head and its eyeballs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

__all__ = ["connected_parts"]


def connected_parts(faces: NDArray[np.int64], num_vertices: int) -> NDArray[np.int64]:
    """Number the connected parts of a mesh.

    Args:
        faces: Triangles ``(faces, 3)``.
        num_vertices: Vertices of the mesh.

    Returns:
        Part of each vertex ``(vertices,)``; a vertex of no triangle is a part of its own.
    """
    ends = faces[:, [0, 1]].ravel(), faces[:, [1, 2]].ravel()
    edges = sparse.coo_array((np.ones(len(ends[0])), ends), shape=(num_vertices, num_vertices))
    parts: NDArray[np.int64] = connected_components(edges, directed=False)[1].astype(np.int64)
    return parts
