"""The affine camera of point pairs."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.morphable import affine_camera

MATRIX = np.array([[1600.0, -80, -300], [-60, -1500, 200]])
TRANSLATION = np.array([310.0, 250])


@pytest.fixture
def points():
    return np.random.default_rng(0).normal(size=(68, 3)) * 0.1 + (0, 1, 2)


def test_the_camera_of_exact_pictures_is_found(points):
    camera = affine_camera(points, points @ MATRIX.T + TRANSLATION)
    np.testing.assert_allclose(camera.matrix, MATRIX, rtol=1e-10)
    np.testing.assert_allclose(camera.translation, TRANSLATION, atol=1e-8)


def test_no_other_camera_has_a_smaller_error(points):
    rng = np.random.default_rng(1)
    pixels = points @ MATRIX.T + TRANSLATION + rng.normal(size=(68, 2)) * 5
    camera = affine_camera(points, pixels)
    homogeneous = np.column_stack([points, np.ones(68)])
    best, *_ = np.linalg.lstsq(homogeneous, pixels, rcond=None)
    np.testing.assert_allclose(camera.project(points), homogeneous @ best, atol=1e-9)


@pytest.mark.parametrize("shared", [True, False], ids=["shared points", "points per frame"])
def test_cameras_of_many_frames_equal_those_of_each(points, shared):
    rng = np.random.default_rng(2)
    pixels = points @ MATRIX.T + TRANSLATION + rng.normal(size=(7, 68, 2))
    many = points if shared else points + rng.normal(size=(7, 68, 3)) * 0.01
    cameras = affine_camera(many, pixels)
    for frame in range(7):
        one = affine_camera(many if shared else many[frame], pixels[frame])
        np.testing.assert_allclose(cameras[frame].matrix, one.matrix, rtol=1e-12)
        np.testing.assert_allclose(cameras[frame].translation, one.translation, rtol=1e-12)


def test_points_in_a_plane_are_refused(points):
    flat = points * (1, 1, 0)
    with pytest.raises(DataError, match="lie in a plane"):
        affine_camera(flat, flat @ MATRIX.T)


@pytest.mark.parametrize("place", [(0, 0, 0), (1, 0, 0)], ids=["one place", "a line"])
def test_pixels_on_a_line_are_refused(points, place):
    with pytest.raises(DataError, match="lie on a line"):
        affine_camera(points, (points * place) @ MATRIX.T)


def test_three_points_are_too_few(points):
    with pytest.raises(DataError, match="plane"):
        affine_camera(points[:3], points[:3] @ MATRIX.T)
