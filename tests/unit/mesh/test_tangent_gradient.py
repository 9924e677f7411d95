"""Gradients in closed form are the least-squares fits that they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.mesh.tangent_gradient import mean_squared_edge, tangent_gradient

ROWS = np.array([0, 0, 0, 1, 1, 2])
COLUMNS = np.array([1, 2, 3, 0, 2, 0])


@pytest.mark.parametrize("regularization", [1e-12, 0.3])
def test_each_row_solves_its_normal_equations(regularization):
    draw = np.random.default_rng(0)
    vertices, signal = draw.normal(size=(4, 3)), draw.normal(size=4)
    frames = np.linalg.qr(draw.normal(size=(4, 3, 3)))[0]
    indptr, indices, along_x, along_y = tangent_gradient(
        vertices, frames, ROWS, COLUMNS, regularization
    )
    for vertex in range(4):
        row = slice(indptr[vertex], indptr[vertex + 1])
        neighbours = COLUMNS[vertex == ROWS]
        assert indices[row].tolist() == sorted([vertex, *neighbours])
        tangents = (vertices[neighbours] - vertices[vertex]) @ frames[vertex, :2].T
        system = tangents.T @ tangents + regularization * np.eye(2)
        expected = np.linalg.solve(system, tangents.T @ (signal[neighbours] - signal[vertex]))
        found = [values[row] @ signal[indices[row]] for values in (along_x, along_y)]
        np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_a_vertex_without_edges_has_a_zero_on_the_diagonal():
    vertices = np.eye(4, 3)
    frames = np.tile(np.eye(3), (4, 1, 1))
    indptr, indices, along_x, _ = tangent_gradient(vertices, frames, ROWS, COLUMNS, 1e-5)
    assert indices[indptr[3] : indptr[4]].tolist() == [3]
    assert along_x[indptr[3]] == 0


def test_the_mean_squared_edge():
    vertices = np.array([[0, 0, 0], [3, 4, 0], [0, 0, 1.0]])
    assert mean_squared_edge(vertices, np.array([0, 0]), np.array([1, 2])) == 13
