"""Pictures of fits."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.morphable import fit_video
from lightning_face.morphable.overlay import choose_frames, overlay_grid

pytest.importorskip("numba")

TILE = 160


@pytest.fixture
def fitted(model, vertices, make_landmarks):
    landmarks, *_ = make_landmarks(3)
    return fit_video(landmarks, model, vertices, regularization=0.01, rounds=5), landmarks


def test_chosen_frames_are_spread_over_those_with_a_face():
    valid = np.ones(100, dtype=bool)
    valid[[0, 99]] = False
    assert choose_frames(valid, 3).tolist() == [1, 49, 98]
    assert choose_frames(valid[:3], 6).tolist() == [1, 2]


def test_points_above_and_mesh_below(fitted, model, vertices):
    fit, landmarks = fitted
    grid = overlay_grid(fit, model, landmarks, vertices, [0, 2], tile=TILE)
    assert grid.shape == (2 * TILE, 2 * TILE, 3)
    points, mesh = grid[:TILE, :TILE], grid[TILE:, :TILE]
    red = (points == (222, 60, 46)).all(axis=-1)
    assert 68 <= red.sum() <= 4 * 68
    # the landmarks are vertices of the surface, so it is drawn where they are
    drawn = (mesh != 236).any(axis=-1)
    assert drawn[red].mean() > 0.85
    assert 0.1 < drawn.mean() < 0.9


def test_the_picture_lies_behind_at_the_scale_of_the_landmarks(fitted, model, vertices):
    fit, landmarks = fitted
    picture = np.zeros((480, 640, 3), dtype=np.uint8)
    columns, rows = np.floor(landmarks[1]).astype(int).T
    picture[rows, columns] = 255
    grid = overlay_grid(fit, model, landmarks, vertices, [1], {1: picture}, TILE)
    red = (grid[:TILE] == (222, 60, 46)).all(axis=-1)
    assert 68 <= red.sum() <= 4 * 68
    # all that was bright in the picture is under a mark or right beside one
    near = red.copy()
    for axis in (0, 1):
        near |= np.roll(near, 1, axis) | np.roll(near, -1, axis)
    bright = (grid[:TILE] > 100).all(axis=-1) & (grid[:TILE] != 236).any(axis=-1)
    assert near[bright].all()
