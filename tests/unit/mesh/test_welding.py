"""Welding joins what is in the same place and nothing else."""

from __future__ import annotations

import numpy as np

from lightning_face.mesh import Mesh, weld_vertices

SEAM = Mesh(
    np.array([[1, 0, 0], [0, 0, 0.0], [0, 1, 0], [-0.0, 0, 0], [1, 0, 0], [1, 0, 1e-12]]),
    np.array([[0, 1, 2], [3, 4, 5]]),
)


def test_vertices_in_one_place_become_one_in_the_order_of_the_file():
    welded, numbers = weld_vertices(SEAM)
    assert numbers.tolist() == [0, 1, 2, 1, 0, 3]
    np.testing.assert_array_equal(welded.vertices, SEAM.vertices[[0, 1, 2, 5]])
    assert welded.faces.tolist() == [[0, 1, 2], [1, 0, 3]]


def test_the_numbers_bring_the_old_vertices_back():
    welded, numbers = weld_vertices(SEAM)
    np.testing.assert_array_equal(welded.vertices[numbers], SEAM.vertices)
    np.testing.assert_array_equal(welded.vertices[welded.faces], SEAM.vertices[SEAM.faces])


def test_a_cloud_is_welded_too():
    welded, _ = weld_vertices(Mesh(SEAM.vertices, np.zeros((0, 3), dtype=np.int64)))
    assert welded.vertices.shape == (4, 3)
    assert welded.faces.shape == (0, 3)
