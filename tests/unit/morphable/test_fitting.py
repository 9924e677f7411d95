"""Fits of the landmarks of one picture."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face.morphable import Basis, affine_camera, fit_landmarks


def textbook_fit(landmarks, shape, basis, vertices, regularization, rounds, translate):
    """The equations with an explicit design matrix, one column after the other."""
    for _ in range(rounds + 1):
        points = shape[vertices]
        camera = affine_camera(points, landmarks)
        residual = (landmarks - camera.project(points)).T.ravel()
        columns = []
        for k in range(len(basis)):
            seen = basis.components[:, k].reshape(-1, 3)[vertices] @ camera.matrix.T
            columns.append((seen + (camera.translation if translate else 0)).T.ravel())
        design = np.stack(columns, axis=1)
        normal = design.T @ design + np.diag(regularization / basis.weights)
        coefficients = np.linalg.solve(normal, design.T @ residual)
        shape = shape + (basis.components @ coefficients).reshape(-1, 3)
    return coefficients, shape, affine_camera(shape[vertices], landmarks)


@pytest.mark.parametrize("translate", [False, True])
@pytest.mark.parametrize("rounds", [0, 1, 3])
@pytest.mark.parametrize("regularization", [100.0, 5.0, 0.3])
def test_the_solution_is_that_of_the_explicit_design_matrix(
    model, vertices, make_landmarks, regularization, rounds, translate
):
    landmarks, *_ = make_landmarks(1, noise=1.0)
    arguments = (model.mean, model.expression, vertices, regularization, rounds, translate)
    fit = fit_landmarks(landmarks[0], *arguments)
    coefficients, shape, camera = textbook_fit(landmarks[0], *arguments)
    np.testing.assert_allclose(fit.coefficients, coefficients, atol=1e-13)
    np.testing.assert_allclose(fit.shape, shape, atol=1e-14)
    np.testing.assert_allclose(fit.camera.matrix, camera.matrix, atol=1e-9)
    np.testing.assert_allclose(fit.camera.translation, camera.translation, atol=1e-10)


def test_known_coefficients_are_recovered(model, vertices, make_landmarks):
    landmarks, identity, expression = make_landmarks(1)
    face = model.face(identity)
    fit = fit_landmarks(
        landmarks[0], face, model.expression, vertices, regularization=1e-9, rounds=60
    )
    np.testing.assert_allclose(fit.total, expression[0], atol=1e-6)
    np.testing.assert_allclose(fit.camera.project(fit.shape[vertices]), landmarks[0], atol=1e-3)


def test_rounds_continue_from_the_fitted_shape(model, vertices, make_landmarks):
    landmarks, *_ = make_landmarks(1, noise=1.0)
    both = fit_landmarks(landmarks[0], model.mean, model.expression, vertices, rounds=1)
    first = fit_landmarks(landmarks[0], model.mean, model.expression, vertices)
    second = fit_landmarks(landmarks[0], first.shape, model.expression, vertices)
    np.testing.assert_allclose(both.coefficients, second.coefficients, atol=1e-14)
    np.testing.assert_allclose(both.total, first.total + second.total, atol=1e-14)
    np.testing.assert_allclose(both.shape, second.shape, atol=1e-14)
    np.testing.assert_array_equal(first.coefficients, first.total)


def test_the_sum_of_translated_components_is_pulled_to_zero(model, vertices, make_landmarks):
    landmarks, *_ = make_landmarks(1, noise=1.0)
    free = fit_landmarks(landmarks[0], model.mean, model.expression, vertices, 0.1)
    pulled = fit_landmarks(
        landmarks[0], model.mean, model.expression, vertices, 0.1, translate_components=True
    )
    assert abs(pulled.coefficients.sum()) < 0.1 * abs(free.coefficients.sum())


def test_turning_and_moving_the_picture_changes_no_coefficient(model, vertices, make_landmarks):
    landmarks, *_ = make_landmarks(1, noise=1.0)
    turned = landmarks[0] @ np.array([[0.8, 0.6], [-0.6, 0.8]]) + (100, -70)
    fits = [
        fit_landmarks(each, model.mean, model.expression, vertices, rounds=2)
        for each in (landmarks[0], turned)
    ]
    np.testing.assert_allclose(fits[0].total, fits[1].total, atol=1e-13)


def test_a_larger_picture_needs_a_larger_penalty(model, vertices, make_landmarks):
    landmarks, *_ = make_landmarks(1, noise=1.0)
    small = fit_landmarks(landmarks[0], model.mean, model.expression, vertices, 100.0)
    large = fit_landmarks(3 * landmarks[0], model.mean, model.expression, vertices, 900.0)
    np.testing.assert_allclose(small.coefficients, large.coefficients, atol=1e-13)


def test_more_penalty_means_smaller_coefficients(model, vertices, make_landmarks):
    landmarks, *_ = make_landmarks(1, noise=1.0)
    lengths = [
        np.linalg.norm(
            fit_landmarks(landmarks[0], model.mean, model.expression, vertices, each).total
        )
        for each in (0.0, 1.0, 100.0, 1e4, 1e9)
    ]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[-1] < 1e-4 * lengths[0]


def test_a_null_component_gets_zero_and_does_not_disturb(model, vertices, make_landmarks):
    landmarks, *_ = make_landmarks(1, noise=1.0)
    null = Basis(
        np.insert(model.identity.components, 2, 1e-7, axis=1),
        np.insert(model.identity.weights, 2, 4e-19),
    )
    plain = fit_landmarks(landmarks[0], model.mean, model.identity, vertices)
    fit = fit_landmarks(landmarks[0], model.mean, null, vertices)
    assert fit.coefficients[2] == 0
    np.testing.assert_array_equal(np.delete(fit.coefficients, 2), plain.coefficients)


def test_columns_beyond_x_and_y_are_ignored(model, vertices, make_landmarks):
    landmarks, *_ = make_landmarks(1, noise=1.0)
    depth = np.column_stack([landmarks[0], np.full(68, np.nan)])
    flat = fit_landmarks(landmarks[0], model.mean, model.expression, vertices)
    deep = fit_landmarks(depth, model.mean, model.expression, vertices)
    np.testing.assert_array_equal(flat.coefficients, deep.coefficients)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda points: np.where(np.arange(68)[:, None] == 3, np.nan, points), "not finite"),
        (lambda points: points[:67], "67 landmarks, but the model's list has 68"),
        (lambda points: points * (1, 0), "on a line"),
        (lambda points: points[:, :1], r"\(frames, points, 2\)"),
        (lambda points: points[None], r"are \(points, 2\)"),
    ],
    ids=["nan", "number", "line", "columns", "dimensions"],
)
def test_landmarks_that_cannot_be_fitted_are_one_error(
    model, vertices, make_landmarks, spoil, message
):
    landmarks, *_ = make_landmarks(1)
    with pytest.raises(DataError, match=message):
        fit_landmarks(spoil(landmarks[0]), model.mean, model.expression, vertices)


def test_a_shape_of_another_size_is_one_error(model, vertices, make_landmarks):
    landmarks, *_ = make_landmarks(1)
    with pytest.raises(DataError, match="basis is for 280 vertices"):
        fit_landmarks(landmarks[0], model.mean[:200], model.expression, vertices)


def test_a_vertex_outside_the_shape_is_one_error(model, vertices, make_landmarks):
    landmarks, *_ = make_landmarks(1)
    with pytest.raises(DataError, match="outside the 280"):
        fit_landmarks(landmarks[0], model.mean, model.expression, vertices + 200)


def test_too_few_landmarks_without_penalty_are_one_error(model, vertices, make_landmarks):
    landmarks, *_ = make_landmarks(1)
    twice = Basis(np.repeat(model.expression.components, 2, axis=1), np.ones(12))
    with pytest.raises(DataError, match="raise regularization"):
        fit_landmarks(landmarks[0], model.mean, twice, vertices, regularization=0.0)


@pytest.mark.parametrize("settings", [{"regularization": -1.0}, {"rounds": -1}])
def test_impossible_settings_are_one_error(model, vertices, make_landmarks, settings):
    landmarks, *_ = make_landmarks(1)
    with pytest.raises(ConfigError, match="0 or more"):
        fit_landmarks(landmarks[0], model.mean, model.expression, vertices, **settings)
