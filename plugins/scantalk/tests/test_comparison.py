"""A predicted and a true sequence."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.sample_heads.shape import draw_identity, movement, neutral
from lightning_face.sample_heads.topology import HeadTopology
from lightning_face_scantalk.comparison import Comparison


def sequence(frequency, amounts):
    sphere = HeadTopology(frequency).sphere()
    still = neutral(sphere, draw_identity(np.random.default_rng(0)))
    frames = still + np.asarray(amounts)[:, None, None] * movement(sphere)
    return frames.astype(np.float32), sphere.faces


def test_error_is_the_distance_of_vertices_that_correspond():
    target, faces = sequence(6, [0, 0.5, 1])
    shift = np.array([0.0027, 0, 0.0036], np.float32)
    comparison = Comparison(target, target + shift, faces)
    np.testing.assert_allclose(comparison.errors, 0.0045, rtol=1e-3)
    assert comparison.shown_error() == 5


def test_error_is_the_distance_to_the_nearest_vertex_elsewhere():
    target, target_faces = sequence(8, [0, 1])
    prediction, faces = sequence(6, [0, 0])
    comparison = Comparison(target, prediction, faces, target_faces)
    assert comparison.errors.shape == prediction.shape[:2]
    assert comparison.errors[0].mean() < 0.006
    assert comparison.errors[1].mean() > 1.02 * comparison.errors[0].mean()


@pytest.mark.parametrize("lips", [None, (np.array([3, 4]), np.array([8, 9]))])
def test_there_is_a_picture_for_each_frame(lips):
    target, faces = sequence(6, [0, 0.5, 1])
    prediction, _ = sequence(6, [0, 0.2, 0.8])
    comparison = Comparison(target, prediction, faces)
    pictures = list(comparison.pictures(None, 30, lips=lips, height=128))
    assert [picture.shape for picture in pictures] == [(128, 300, 3)] * 3
    assert (pictures[2] != pictures[0]).any()


def test_other_vertices_are_drawn_with_their_own_faces():
    target, target_faces = sequence(8, [0, 1])
    prediction, faces = sequence(6, [0, 0])
    pictures = list(
        Comparison(target, prediction, faces, target_faces).pictures(None, 30, height=128)
    )
    assert len(pictures) == 2
