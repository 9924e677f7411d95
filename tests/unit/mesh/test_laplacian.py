"""Laplacians of meshes and clouds."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.mesh.laplacian import cloud_laplacian, cotangent_laplacian

trimesh = pytest.importorskip("trimesh")
pytest.importorskip("potpourri3d")
pytest.importorskip("robust_laplacian")


def test_weights_are_half_cotangents():
    """Two right triangles make a square; its diagonal faces two right angles."""
    vertices = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0.0]])
    laplacian, mass = cotangent_laplacian(vertices, np.array([[0, 1, 2], [0, 2, 3]]))
    expected = np.array([[1, -0.5, 0, -0.5], [-0.5, 1, -0.5, 0], [0, -0.5, 1, -0.5]])
    np.testing.assert_allclose(laplacian.toarray()[:3], expected, atol=1e-9)
    np.testing.assert_allclose(mass, [1 / 3, 1 / 6, 1 / 3, 1 / 6], rtol=1e-7)
    assert (laplacian[[0], [2]] == 0).all()
    assert laplacian.nnz == 14


def test_no_mass_is_zero():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 5, 5.0]])
    laplacian, mass = cotangent_laplacian(vertices, np.array([[0, 1, 2]]))
    assert mass[3] == pytest.approx(1e-8 * 0.5 / 4)
    assert laplacian[[3]].nnz == 0


@pytest.mark.parametrize("cloud", [False, True])
def test_a_laplacian_is_symmetric_and_takes_constants_to_nothing(cloud):
    body = trimesh.creation.icosphere(3, 0.1)
    vertices, faces = np.array(body.vertices), np.array(body.faces, dtype=np.int64)
    laplacian, mass = cloud_laplacian(vertices) if cloud else cotangent_laplacian(vertices, faces)
    assert np.abs((laplacian - laplacian.T).toarray()).max() < 1e-9
    assert np.abs(laplacian @ np.ones(len(vertices))).max() < 1e-6
    assert np.linalg.eigvalsh(laplacian.toarray())[0] > -1e-6
    assert mass.sum() == pytest.approx(4 * np.pi * 0.01, rel=0.1)
