"""Eigenpairs are the smallest ones, all of them, and the same each time."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse

from lightning_face.errors import DataError
from lightning_face.mesh import eigenpairs
from lightning_face.mesh.eigenpairs import smallest_eigenpairs
from lightning_face.mesh.laplacian import cotangent_laplacian

trimesh = pytest.importorskip("trimesh")
pytest.importorskip("potpourri3d")


def bumpy_sphere(seed=0):
    body = trimesh.creation.icosphere(3, 0.1)
    size = np.random.default_rng(seed).uniform(0.9, 1.1, (len(body.vertices), 1))
    return cotangent_laplacian(body.vertices * size, np.array(body.faces, dtype=np.int64))


def copies(laplacian, mass, count):
    return scipy.sparse.block_diag([laplacian] * count, format="csr"), np.tile(mass, count)


def dense_values(laplacian, mass, count):
    matrix = laplacian.toarray() + 1e-8 * np.eye(len(mass))
    return scipy.linalg.eigh(matrix, np.diag(mass), eigvals_only=True)[:count]


@pytest.mark.parametrize("count", [1, 2, 20, 150])
def test_the_iteration_agrees_with_a_dense_solver(count):
    laplacian, mass = bumpy_sphere()
    values, vectors = smallest_eigenpairs(laplacian, mass, count)
    np.testing.assert_allclose(values, dense_values(laplacian, mass, count), rtol=1e-7, atol=1e-9)
    shifted = laplacian @ vectors + 1e-8 * vectors
    residual = shifted - mass[:, None] * vectors * values
    assert np.abs(residual).max() < 1e-5 * np.abs(laplacian @ vectors).max()
    np.testing.assert_allclose(vectors.T @ (mass[:, None] * vectors), np.eye(count), atol=1e-9)


@pytest.mark.parametrize("count", [3, 12])
def test_equal_eigenvalues_are_found_as_often_as_they_occur(count):
    """More equal parts than a block is wide: a Krylov space alone would miss some of them."""
    laplacian, mass = bumpy_sphere()
    found, _ = smallest_eigenpairs(*copies(laplacian, mass, count), 3 * count)
    single = dense_values(laplacian, mass, 3)
    np.testing.assert_allclose(found, np.repeat(single, count), rtol=1e-6)


def test_the_sign_of_an_eigenvector_is_that_of_its_largest_entry():
    _, vectors = smallest_eigenpairs(*bumpy_sphere(), 12)
    assert (vectors[np.abs(vectors).argmax(axis=0), np.arange(12)] > 0).all()


def test_a_singular_matrix_gets_more_on_its_diagonal():
    """A Laplacian that is indefinite through rounding becomes solvable after a few attempts."""
    laplacian, mass = bumpy_sphere()
    attempts = []

    def failing_at_first(matrix):
        attempts.append(matrix.diagonal().min())
        if len(attempts) < 3:
            raise eigenpairs._NotFound("singular")
        return original(matrix)

    original = eigenpairs._factored
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(eigenpairs, "_factored", failing_at_first)
        values, _ = smallest_eigenpairs(laplacian, mass, 5)
    assert attempts[0] < attempts[1] < attempts[2]
    extra = (1e-8 + 1e-6) / mass.mean()
    assert values[0] == pytest.approx(extra, rel=0.1)


def test_a_matrix_without_eigenpairs_is_named():
    laplacian, mass = bumpy_sphere()
    laplacian.data[7] = np.nan
    with pytest.raises(DataError, match=r"Laplacian of head\.ply cannot be computed"):
        smallest_eigenpairs(laplacian, mass, 5, "head.ply")
