"""Expressions of the sample."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.sample_heads.shape import lip_vertices
from lightning_face_emovoca.data.emotions import EMOTIONS
from lightning_face_emovoca.data.sample import TOPOLOGY
from lightning_face_emovoca.data.sample_expressions import expression, smile_width

MESH = TOPOLOGY.sphere()


def shown(name: str, seed: int = 0) -> np.ndarray:
    return expression(MESH, name, np.random.default_rng(seed))


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_expressions_have_the_size_of_real_ones_and_leave_the_eyeballs_alone(emotion):
    moved = np.linalg.norm(shown(emotion.file_name), axis=1)
    assert 0.005 < moved.max() < 0.015
    assert 0.0002 < moved.mean() < 0.002
    assert not moved[MESH.eyeball != 0].any()


def test_no_two_expressions_look_alike_but_those_of_two_people_do():
    rows = np.stack([shown(emotion.file_name).ravel() for emotion in EMOTIONS])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert (rows @ rows.T - np.eye(len(rows))).max() < 0.75
    for row, emotion in zip(rows, EMOTIONS, strict=True):
        other = shown(emotion.file_name, seed=1).ravel()
        assert row @ other / np.linalg.norm(other) > 0.98
        assert not np.allclose(row, other / np.linalg.norm(other))


def test_lips_that_touch_stay_together():
    for emotion in EMOTIONS:
        moved = shown(emotion.file_name)
        upper, lower = MESH.side == 1, MESH.side == -1
        order = [np.argsort(MESH.directions[side, 0]) for side in (upper, lower)]
        np.testing.assert_allclose(moved[upper][order[0]], moved[lower][order[1]], atol=1e-12)


def test_spread_mouth_is_wider():
    spread = smile_width(MESH)
    lips = lip_vertices(MESH)
    left = lips[MESH.directions[lips, 0] > 0.25]
    assert (spread[left, 0] > 0).all()
    assert not spread[MESH.eyeball != 0].any()
