"""Landmark files."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.morphable.landmark_file import (
    VideoLandmarks,
    read_landmarks,
    write_landmarks,
)


def test_round_trip(tmp_path):
    points = np.random.default_rng(0).normal(size=(4, 68, 2))
    points[2] = np.nan
    valid = np.array([True, False, False, True])
    write_landmarks(tmp_path / "video.npz", VideoLandmarks(points, valid))
    found = read_landmarks(tmp_path / "video.npz")
    np.testing.assert_array_equal(found.landmarks, points)
    np.testing.assert_array_equal(found.valid, valid)


def test_frames_without_numbers_have_no_face(tmp_path):
    points = np.zeros((3, 5, 3))
    points[1] = np.nan
    np.savez(tmp_path / "video.npz", landmarks=points)
    found = read_landmarks(tmp_path / "video.npz")
    assert found.landmarks.shape == (3, 5, 2)
    assert found.valid.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"points": np.zeros((3, 5, 2))}, "it has points"),
        ({"landmarks": np.zeros((3, 5))}, r"not \(3, 5\)"),
        ({"landmarks": np.zeros((3, 5, 2)), "valid": np.ones(2)}, "there are 3 frames"),
        ({"landmarks": np.array({"landmarks": []}, dtype=object)}, "pickled"),
    ],
)
def test_a_file_that_does_not_fit_is_named(tmp_path, arrays, message):
    np.savez(tmp_path / "video.npz", **arrays)
    with pytest.raises(DataError, match=rf"video\.npz.*{message}"):
        read_landmarks(tmp_path / "video.npz")
