"""Vertices in the same place made one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lightning_face.mesh.mesh_file import Mesh

__all__ = ["weld_vertices"]


def weld_vertices(mesh: Mesh) -> tuple[Mesh, NDArray[np.int64]]:
    """Join the vertices that have exactly the same position, as files with texture seams split.

    Faces stay as they are, but for the numbers of their corners. Lips that are cut apart and
    touch are joined too.

    Args:
        mesh: Any mesh or cloud.

    Returns:
        The mesh with the vertices in the order of their first occurrence, and the new number of
        each old vertex ``(vertices,)``: ``welded.vertices[numbers]`` are the old positions.
    """
    _, first, numbers = np.unique(
        # negative zero is zero
        mesh.vertices + 0.0,
        axis=0,
        return_index=True,
        return_inverse=True,
    )
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    new = rank[numbers.ravel()]
    return Mesh(mesh.vertices[first[order]], new[mesh.faces]), new
