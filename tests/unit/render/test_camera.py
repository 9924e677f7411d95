"""Cameras and their poses."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.render import AffineCamera, front_view

FACING = np.diag([1.0, -1, -1])


@pytest.fixture
def cameras():
    rng = np.random.default_rng(0)
    return AffineCamera(rng.normal(size=(5, 2, 3)) * 100, rng.normal(size=(5, 2)) * 50)


def test_projection_is_matrix_and_translation():
    camera = AffineCamera(np.array([[2.0, 0, 1], [0, -3, 0]]), np.array([10.0, 20]))
    np.testing.assert_array_equal(camera.project(np.array([[1.0, 2, 3]])), [[15, 14]])


def test_a_pose_gives_back_the_matrix(cameras):
    pose = cameras.pose()
    np.testing.assert_allclose(pose.stretch @ pose.rotation[:, :2], cameras.matrix, atol=1e-11)
    np.testing.assert_array_equal(pose.translation, cameras.translation)
    identities = pose.rotation @ pose.rotation.swapaxes(1, 2)
    np.testing.assert_allclose(identities, np.broadcast_to(np.eye(3), (5, 3, 3)), atol=1e-14)
    np.testing.assert_allclose(np.linalg.det(pose.rotation), 1)
    assert (pose.stretch[:, 0, 1] == 0).all()
    assert (pose.stretch[:, [0, 1], [0, 1]] > 0).all()


def test_the_pose_of_one_frame_is_that_of_the_batch(cameras):
    np.testing.assert_allclose(cameras[3].pose().rotation, cameras.pose().rotation[3])


def test_a_scaled_orthographic_camera_is_split_exactly():
    angle = 0.4
    about_y = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    rotation = FACING @ about_y
    pose = AffineCamera(1500 * rotation[:2], np.array([320.0, 240])).pose()
    np.testing.assert_allclose(pose.rotation, rotation, atol=1e-14)
    np.testing.assert_allclose(pose.stretch, 1500 * np.eye(2), atol=1e-10)
    assert pose.scale == pytest.approx(1500)


def test_depth_grows_away_from_the_viewer():
    camera = AffineCamera(100 * FACING[:2], np.zeros(2))
    near, far = camera.to_screen(np.array([[0, 0, 1.0], [0, 0, -1.0]]))
    assert near[2] < far[2]
    np.testing.assert_array_equal(near[:2], far[:2])


@pytest.mark.parametrize("size", [(100, 300), (300, 100)])
@pytest.mark.parametrize("turn", [(0.0, 0.0), (0.7, -0.3)])
def test_a_front_view_shows_everything(size, turn):
    points = np.random.default_rng(0).normal(size=(50, 3)) + 7
    seen = front_view(points, size, margin=0.1, turn=turn).project(points)
    room = np.array(size[::-1])
    assert (seen >= room * 0.1 - 1e-9).all()
    assert (seen <= room * 0.9 + 1e-9).all()
    np.testing.assert_allclose((seen.min(axis=0) + seen.max(axis=0)) / 2, room / 2)


def test_a_front_view_looks_at_the_front_with_y_up():
    points = np.array([[-1.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
    left, right, top, bottom, front, back = front_view(points, (64, 64)).to_screen(points)
    assert left[0] < right[0]
    assert top[1] < bottom[1]
    assert front[2] < back[2]


def test_turning_shows_the_sides_that_the_angles_say():
    points = np.array([[-1.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, -1, 0]])
    left, right, _, _ = front_view(points, (64, 64), turn=(0.5, 0)).to_screen(points)
    assert left[2] < right[2]
    _, _, top, bottom = front_view(points, (64, 64), turn=(0, 0.5)).to_screen(points)
    assert top[2] < bottom[2]
