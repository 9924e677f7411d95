"""Laplacians and vertex areas of meshes and point clouds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_face.optional import optional_import

__all__ = ["cloud_laplacian", "cotangent_laplacian"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
SparseMatrix = Any

_COTANGENT_EPSILON = 1e-10
_MASS_SHARE = 1e-8


def cotangent_laplacian(vertices: Floats, faces: Integers) -> tuple[SparseMatrix, Floats]:
    """Give the weak, positive semidefinite Laplacian of a mesh and the areas around its vertices.

    Args:
        vertices: Positions ``(vertices, 3)``, in metres.
        faces: Corners ``(triangles, 3)``; edges may have any number of faces.

    Returns:
        CSR matrix ``(vertices, vertices)`` with sorted columns, and a third of the area of the
        faces around each vertex, in square metres, plus a trace of the mean so that none is 0.

    Source:
        Sharp et al., "DiffusionNet", 2022, published code.
    """
    geometry = optional_import("potpourri3d", extra="geometry")
    laplacian = geometry.cotan_laplacian(vertices, faces, denom_eps=_COTANGENT_EPSILON)
    laplacian.sort_indices()
    return laplacian, _positive(geometry.vertex_areas(vertices, faces))


def cloud_laplacian(vertices: Floats) -> tuple[SparseMatrix, Floats]:
    """Give the Laplacian of a point cloud and the area that each point stands for.

    Args:
        vertices: Positions ``(points, 3)``, in metres.

    Returns:
        The same as `cotangent_laplacian`.

    Source:
        Sharp and Crane, "A Laplacian for Nonmanifold Triangle Meshes", 2020, section 5.7.
    """
    robust = optional_import("robust_laplacian", extra="geometry")
    laplacian, mass = robust.point_cloud_laplacian(vertices)
    laplacian = laplacian.tocsr()
    laplacian.sort_indices()
    return laplacian, _positive(mass.diagonal())


def _positive(mass: Floats) -> Floats:
    return mass + _MASS_SHARE * mass.mean()
