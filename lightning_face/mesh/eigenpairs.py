"""The smallest eigenpairs of Laplacians, by block Lanczos on the factored inverse."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError

__all__ = ["smallest_eigenpairs"]

Floats = NDArray[np.float64]
SparseMatrix = Any

_SHIFT = 1e-8
_ATTEMPTS = 5
_TOLERANCE = 1e-7
_EQUAL = 1e-6
# wide enough for matrix products, narrow enough for few of the vectors to be wasted
_BLOCKS = (4, 16, 64)
# below this number of vertices a dense solver is as fast
_DENSE = 500


class _NotFound(Exception):
    """The eigenpairs could not be computed."""


def smallest_eigenpairs(
    laplacian: SparseMatrix, mass: Floats, count: int, name: str = "the mesh"
) -> tuple[Floats, Floats]:
    """Solve ``(L + 1e-8) phi = lambda M phi`` for the smallest eigenvalues.

    The problem is brought to its standard form ``M^-1/2 (L + 1e-8) M^-1/2``, which is factored
    once with an ordering for symmetric matrices. Block Lanczos on its inverse keeps and
    orthogonalises all its vectors, so that nearly all the work is products of dense matrices. That
    no eigenvalue was overlooked, such as one of many equal ones, is read off the signs of the
    pivots of a second factorisation. The same input gives the same output: start vectors are
    fixed, and the entry of largest size of every eigenvector is positive.

    Args:
        laplacian: L, symmetric and positive semidefinite ``(vertices, vertices)``.
        mass: Diagonal of M ``(vertices,)``, positive.
        count: Number of eigenpairs, at most that of the vertices.
        name: How errors call the mesh.

    Returns:
        Eigenvalues ``(count,)``, ascending and not negative, and eigenvectors
        ``(vertices, count)`` with ``phi^T M phi = 1``.

    Raises:
        DataError: They cannot be computed, even with up to 1e-4 more on the diagonal of L.

    Source:
        Grimes, Lewis and Simon, "A Shifted Block Lanczos Algorithm", 1994.
    """
    import scipy.sparse

    scale = 1 / np.sqrt(mass)
    scaling = scipy.sparse.diags_array(scale)
    identity = scipy.sparse.eye_array(len(mass))
    extra = 0.0
    for attempt in range(1, _ATTEMPTS + 1):
        shifted = (laplacian + laplacian.T) / 2 + (_SHIFT + extra) * identity
        try:
            values, vectors = _solve((scaling @ shifted @ scaling).tocsc(), np.sqrt(mass), count)
            break
        except _NotFound as error:
            failure = error
        extra = _SHIFT * 10**attempt
    else:
        raise DataError(
            f"the eigenpairs of the Laplacian of {name} cannot be computed ({failure}); remove its "
            "degenerate faces and duplicated vertices"
        )
    vectors *= scale[:, None]
    vectors *= np.where(vectors.max(axis=0) < -vectors.min(axis=0), -1.0, 1.0)
    return np.maximum(values, 0), vectors


def _solve(matrix: SparseMatrix, start: Floats, count: int) -> tuple[Floats, Floats]:
    """Find the eigenpairs of a positive definite matrix that is as large as sparse."""
    import scipy.linalg

    size = matrix.shape[0]
    if size <= max(_DENSE, 3 * count):
        try:
            return scipy.linalg.eigh(matrix.toarray(), subset_by_index=[0, count - 1])
        except (ValueError, np.linalg.LinAlgError) as error:
            raise _NotFound(str(error)) from error
    factors = _factored(matrix)
    for block in _BLOCKS:
        values, vectors = _lanczos(factors, start, count, block)
        if _is_complete(matrix, values):
            break
    # the widest block misses none: a count that still differs is rounding of the pivots
    return values, vectors


def _factored(matrix: SparseMatrix) -> Any:  # noqa: ANN401
    from scipy.sparse.linalg import splu

    options = {"SymmetricMode": True}
    try:
        return splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options)
    except (RuntimeError, ValueError) as error:
        raise _NotFound(str(error)) from error


def _lanczos(factors: Any, start: Floats, count: int, block: int) -> tuple[Floats, Floats]:  # noqa: ANN401
    """Run until the residuals of the wanted eigenpairs of the inverse are small."""
    from scipy.linalg import eigh, qr

    size = len(start)
    room = min(size, 6 * count + 64 * block) - block
    basis = np.empty((size, room + block), order="F")
    projected = np.zeros((room + block, room + block))
    draws = np.random.RandomState(0).standard_normal((size, block - 1))
    basis[:, :block] = _orthonormal(np.column_stack([start, draws * start[:, None]]))
    done, check = 0, 2 * count + 24 * block
    while done + block <= room:
        new = slice(done, done + block)
        image = factors.solve(basis[:, new])
        # the neighbours take away nearly everything, and what rounding has left goes with the rest
        for kept in (slice(max(done - block, 0), done + block), slice(0, done + block)):
            shares = basis[:, kept].T @ image
            image -= basis[:, kept] @ shares
            projected[kept, new] += shares
        done += block
        basis[:, done : done + block], coupling = qr(
            image, mode="economic", overwrite_a=True, check_finite=False
        )
        if not np.isfinite(coupling).all():
            raise _NotFound("its factors are not finite")
        if done >= check or done + block > room:
            values, vectors = eigh(projected[:done, :done], lower=False)
            values, vectors = values[: -count - 1 : -1], vectors[:, : -count - 1 : -1]
            residuals = np.linalg.norm(coupling @ vectors[-block:], axis=0)
            if (residuals <= _TOLERANCE * values).all():
                return 1 / values, basis[:, :done] @ vectors
            check = done + max(block, count // 8)
    raise _NotFound("Lanczos iterations do not converge")


def _orthonormal(columns: Floats) -> Floats:
    from scipy.linalg import qr

    return qr(columns, mode="economic")[0]


def _is_complete(matrix: SparseMatrix, values: Floats) -> bool:
    """Count the eigenvalues below the last of the found ones and its equals, by Sylvester's law."""
    import scipy.sparse

    gaps = np.flatnonzero(np.diff(values) > _EQUAL * values[1:])
    if not len(gaps):
        return True
    cut = (values[gaps[-1]] + values[gaps[-1] + 1]) / 2
    pivots = _factored(matrix - cut * scipy.sparse.eye_array(matrix.shape[0], format="csc"))
    return bool(np.count_nonzero(pivots.U.diagonal() < 0) == gaps[-1] + 1)
