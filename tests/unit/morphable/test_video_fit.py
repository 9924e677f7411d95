"""Fits of all frames of a video at once."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.morphable import affine_camera, fit_landmarks, fit_video, read_face_model
from lightning_face.testing.research_data import research_file


@pytest.mark.parametrize("translate", [False, True])
@pytest.mark.parametrize("rounds", [0, 2])
def test_the_batched_solution_is_that_of_each_frame(
    model, vertices, make_landmarks, rounds, translate
):
    landmarks, *_ = make_landmarks(9, noise=1.0)
    fit = fit_video(landmarks, model, vertices, None, 20.0, rounds, translate)
    rest = fit_landmarks(
        landmarks[0], model.mean, model.identity, vertices, 20.0, rounds, translate
    )
    np.testing.assert_array_equal(fit.identity, rest.coefficients)
    np.testing.assert_array_equal(fit.identity_shape, rest.shape)
    for frame, pixels in enumerate(landmarks):
        one = fit_landmarks(pixels, rest.shape, model.expression, vertices, 20.0, rounds, translate)
        np.testing.assert_allclose(fit.expression[frame], one.coefficients, atol=1e-13)
        np.testing.assert_allclose(fit.expression_total[frame], one.total, atol=1e-13)
        np.testing.assert_allclose(fit.cameras.matrix[frame], one.camera.matrix, atol=1e-9)


def test_known_expressions_are_recovered(model, vertices, make_landmarks):
    landmarks, identity, expression = make_landmarks(12)
    landmarks[0] = 1500 * model.face(identity)[vertices, :2] * (1, -1)
    fit = fit_video(landmarks, model, vertices, regularization=1e-9, rounds=60)
    np.testing.assert_allclose(fit.identity_shape, model.face(identity), atol=1e-6)
    np.testing.assert_allclose(fit.expression_total[0], 0, atol=1e-5)
    np.testing.assert_allclose(fit.expression_total[1:], expression[1:], atol=1e-5)
    assert fit.reprojection_error.max() < 1e-2


def test_more_frames_than_are_solved_at_once(model, vertices, make_landmarks):
    landmarks, *_ = make_landmarks(300, noise=1.0)
    fit = fit_video(landmarks, model, vertices)
    late = fit_video(landmarks[[0, 257, 299]], model, vertices)
    np.testing.assert_allclose(fit.expression[[0, 257, 299]], late.expression, atol=1e-14)
    np.testing.assert_allclose(
        fit.reprojection_error[[0, 257, 299]], late.reprojection_error, atol=1e-12
    )


def test_the_first_frame_with_a_face_gives_the_identity(model, vertices, make_landmarks):
    landmarks, *_ = make_landmarks(6, noise=1.0)
    spoilt = landmarks.copy()
    spoilt[[0, 1, 4]] = np.nan
    valid = np.isfinite(spoilt).all(axis=(1, 2))
    fit = fit_video(spoilt, model, vertices, valid)
    clean = fit_video(landmarks[valid], model, vertices)
    np.testing.assert_array_equal(fit.identity, clean.identity)
    np.testing.assert_allclose(fit.expression[valid], clean.expression, atol=1e-15)
    missing = (fit.expression, fit.expression_total, fit.cameras.matrix, fit.cameras.translation)
    for rows in (*missing, fit.reprojection_error):
        assert np.isnan(rows[~valid]).all()
        assert np.isfinite(rows[valid]).all()


def test_the_error_is_the_mean_distance_in_pixels(model, vertices, make_landmarks):
    landmarks, *_ = make_landmarks(3, noise=2.0)
    fit = fit_video(landmarks, model, vertices)
    for frame, pixels in enumerate(landmarks):
        shape = model.expression.deform(fit.identity_shape, fit.expression_total[frame])
        seen = affine_camera(shape[vertices], pixels).project(shape[vertices])
        distance = np.linalg.norm(seen - pixels, axis=1).mean()
        assert fit.reprojection_error[frame] == pytest.approx(distance)


def test_a_spoilt_frame_is_named(model, vertices, make_landmarks):
    landmarks, *_ = make_landmarks(200)
    landmarks[150, 7, 1] = np.inf
    with pytest.raises(DataError, match="landmarks of frame 150 are not finite"):
        fit_video(landmarks, model, vertices)
    landmarks[150] = landmarks[150, :1] * 0
    with pytest.raises(DataError, match="frame 150 lie on a line"):
        fit_video(landmarks, model, vertices, np.arange(200) > 99)


@pytest.mark.parametrize(
    ("valid", "message"),
    [(np.zeros(4), "no frame has a face"), (np.ones(3), r"\(3,\), but there are 4 frames")],
)
def test_a_mask_that_does_not_help_is_one_error(model, vertices, make_landmarks, valid, message):
    landmarks, *_ = make_landmarks(4)
    with pytest.raises(DataError, match=message):
        fit_video(landmarks, model, vertices, valid)


def test_a_real_head_is_rebuilt_to_two_millimetres():
    bases = research_file("facemorphic/3dmm_d3dfacs.npz")
    mean = research_file("emovoca/FLAME_sample.ply")
    if bases is None or mean is None:
        pytest.skip("the D3DFACS bases or the FLAME sample mesh are not at hand")
    pytest.importorskip("trimesh")
    model = read_face_model(bases, mean)
    vertices = model.landmarks["mediapipe478"]
    rng = np.random.default_rng(0)
    identity = rng.normal(size=22) * np.sqrt(model.identity.weights) / 2
    expression = rng.normal(size=(8, 32)) * 0.02
    shapes = model.face(identity, expression)
    camera = np.array([[1500.0, 40, 300], [-30, -1450, 250]])
    fit = fit_video(shapes[:, vertices] @ camera.T + (310, 240), model, vertices)
    rebuilt = model.expression.deform(fit.identity_shape, fit.expression)
    distance = np.linalg.norm(rebuilt - shapes, axis=-1).mean()
    without = np.linalg.norm(model.mean - shapes, axis=-1).mean()
    assert distance < min(0.8 * without, 0.002)
    assert fit.identity[21] == 0
