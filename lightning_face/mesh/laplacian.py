"""Laplacians and vertex areas of meshes and point clouds, and their smallest eigenpairs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError
from lightning_face.optional import optional_import

__all__ = ["cloud_laplacian", "cotangent_laplacian", "smallest_eigenpairs"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
SparseMatrix = Any

_COTANGENT_EPSILON = 1e-10
_MASS_SHARE = 1e-8
_SHIFT = 1e-8
_TOLERANCE = 1e-7


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


def smallest_eigenpairs(
    laplacian: SparseMatrix, mass: Floats, count: int, name: str = "the mesh"
) -> tuple[Floats, Floats]:
    """Solve ``L phi = lambda M phi`` for the smallest eigenvalues.

    The same input gives the same output: the start vector is fixed, and the entry of largest size
    of every eigenvector is positive.

    Args:
        laplacian: L, symmetric and positive semidefinite ``(vertices, vertices)``.
        mass: Diagonal of M ``(vertices,)``, positive.
        count: Number of eigenpairs.
        name: How errors call the mesh.

    Returns:
        Eigenvalues ``(count,)`` in ascending order and eigenvectors ``(vertices, count)`` with
        ``phi^T M phi = 1``.

    Raises:
        DataError: No solver succeeds.
    """
    import scipy.sparse

    size = laplacian.shape[0]
    scale = 1 / np.sqrt(mass)
    for attempt in range(5):
        # a trace on the diagonal makes constants on closed parts solvable; more helps dirty meshes
        extra = _SHIFT if attempt == 0 else _SHIFT + _SHIFT * 10**attempt
        shifted = laplacian + extra * scipy.sparse.eye_array(size)
        scaling = scipy.sparse.diags_array(scale)
        standard = (scaling @ (shifted + shifted.T) @ scaling / 2).tocsc()
        try:
            values, vectors = _solve(standard, np.sqrt(mass), count)
        except (RuntimeError, np.linalg.LinAlgError):
            continue
        if np.isfinite(values).all() and np.isfinite(vectors).all():
            break
    else:
        raise DataError(
            f"the eigenpairs of the Laplacian of {name} cannot be computed; remove its degenerate "
            "faces and duplicated vertices"
        )
    order = np.argsort(values)
    values, vectors = np.maximum(values[order], 0), vectors[:, order] * scale[:, None]
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=0)[None], axis=0)
    return values, vectors * np.where(largest < 0, -1.0, 1.0)


def _solve(matrix: SparseMatrix, start: Floats, count: int) -> tuple[Floats, Floats]:
    import scipy.linalg
    import scipy.sparse.linalg

    size = matrix.shape[0]
    subspace = max(3 * count // 2, count + 20)
    if size <= 2 * subspace:
        return scipy.linalg.eigh(matrix.toarray(), subset_by_index=[0, count - 1])
    factors = scipy.sparse.linalg.splu(
        matrix,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    inverse = scipy.sparse.linalg.LinearOperator(matrix.shape, factors.solve, dtype=np.float64)
    return scipy.sparse.linalg.eigsh(
        matrix, count, sigma=0, OPinv=inverse, v0=start, ncv=subspace, tol=_TOLERANCE
    )


def _positive(mass: Floats) -> Floats:
    return mass + _MASS_SHARE * mass.mean()
