"""Linear face models."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.morphable import Basis, LinearFaceModel


def test_rows_of_a_basis_are_the_axes_of_the_vertices():
    components = np.zeros((6, 1))
    components[4] = 2.0
    moved = Basis(components, np.ones(1)).deform(np.ones((2, 3)), [0.5])
    np.testing.assert_array_equal(moved, [[1, 1, 1], [1, 2, 1]])


def test_a_face_is_the_sum_of_its_parts(model):
    identity, expression = np.arange(4) * 0.01, np.arange(6) * 0.02
    face = model.face(identity, expression)
    expected = model.mean.copy()
    for basis, coefficients in ((model.identity, identity), (model.expression, expression)):
        for k, value in enumerate(coefficients):
            expected += value * basis.components[:, k].reshape(-1, 3)
    np.testing.assert_allclose(face, expected, atol=1e-15)
    np.testing.assert_array_equal(model.face(), model.mean)


def test_many_expressions_are_deformed_at_once(model):
    expressions = np.random.default_rng(0).normal(size=(2, 3, 6))
    faces = model.face(expression=expressions)
    assert faces.shape == (2, 3, *model.mean.shape)
    one = model.face(expression=expressions[1, 2])
    np.testing.assert_allclose(faces[1, 2], one, rtol=0, atol=1e-15)


def test_displacements_of_chosen_vertices(model):
    displacements = model.expression.at(np.array([5, 2]))
    np.testing.assert_array_equal(displacements[1], model.expression.components[6:9])


@pytest.mark.parametrize(
    ("components", "weights", "message"),
    [
        (np.zeros((7, 2)), np.ones(2), "3 \\* vertices"),
        (np.zeros((6, 2)), np.ones(3), "3 weights"),
        (np.zeros((6, 0)), np.ones(0), "0 weights"),
        (np.full((6, 2), np.nan), np.ones(2), "finite"),
        (np.zeros((6, 2)), np.array([1, -1]), "negative"),
    ],
)
def test_an_impossible_basis_is_refused(components, weights, message):
    with pytest.raises(DataError, match=message):
        Basis(components, weights)


def test_parts_of_different_faces_are_refused(model):
    with pytest.raises(DataError, match="mean face has 279 vertices, the identity basis is for"):
        LinearFaceModel(model.mean[1:], model.identity, model.expression)


@pytest.mark.parametrize("bad", [-1, 280])
def test_landmarks_outside_the_face_are_refused(model, bad):
    with pytest.raises(DataError, match="points: a vertex number is outside the 280"):
        LinearFaceModel(
            model.mean, model.identity, model.expression, landmarks={"points": np.array([0, bad])}
        )
