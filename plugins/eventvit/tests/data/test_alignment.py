"""Shifts and offsets against what they are said to do."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face_eventvit.data.alignment import (
    estimate_offset,
    event_motion,
    motion_offset,
    rgb_motion,
    shift_clip,
    shift_indices,
)


def published_shift(frames, shift, num_frames):
    """Zero frames in front, more up to the length, then cut."""
    zeros = np.zeros((shift, *frames.shape[1:]), frames.dtype)
    late = np.concatenate([zeros, frames])
    missing = max(0, num_frames - len(late))
    late = np.concatenate([np.zeros((missing, *frames.shape[1:]), frames.dtype), late])
    return late[:num_frames]


@pytest.mark.parametrize("length", [1, 6, 7, 8, 10, 14])
@pytest.mark.parametrize("shift", [0, 1, 3, 10])
def test_legacy_shift_is_the_published_one(length, shift):
    frames = np.arange(1, length + 1, dtype=np.float32)[:, None]
    found = shift_clip(frames, shift, 10, "legacy")
    np.testing.assert_array_equal(found, published_shift(frames, shift, 10))


def test_short_clips_do_not_feel_a_legacy_shift():
    frames = np.arange(1, 8)
    np.testing.assert_array_equal(
        shift_clip(frames, 3, 10, "legacy"), shift_clip(frames, 0, 10, "legacy")
    )
    assert (shift_clip(frames, 3, 10, "true") != shift_clip(frames, 0, 10, "true")).any()


def test_true_shift_shows_what_came_before_the_window():
    assert shift_indices(np.arange(4, 9), 3, 7).tolist() == [-1, -1, 1, 2, 3, 4, 5]
    assert shift_indices(np.arange(1, 4), 2, 3).tolist() == [-1, 0, 1]


def test_motion_of_events_is_the_mean_grey():
    frames = np.zeros((3, 4, 5, 1), np.uint8)
    frames[1] = 200
    frames[2, 0, 0] = 20
    np.testing.assert_allclose(event_motion(frames), [0, 200, 1])


def test_motion_of_rgb_sums_the_channels_and_repeats_the_first_step():
    frames = np.zeros((3, 4, 5, 3), np.uint8)
    frames[1] = 250, 10, 0
    np.testing.assert_allclose(rgb_motion(frames), [260, 260, 260])
    with pytest.raises(ValueError, match="at least 2"):
        rgb_motion(frames[:1])


def bump(centre, length=60, width=4.0):
    return np.exp(-0.5 * ((np.arange(length) - centre) / width) ** 2)


@pytest.mark.parametrize(("event", "rgb"), [(20, 20), (20, 23), (30, 26), (15, 15)])
def test_published_offset_is_right_away_from_the_ends(event, rgb):
    assert motion_offset(bump(event), bump(rgb)) == rgb - event


def test_published_offset_is_wrong_near_the_end():
    # the peak is in the last frame, so the searched part begins 5 frames early
    assert motion_offset(bump(59), bump(57)) == 3


@pytest.mark.parametrize("offset", [-12.0, -3.4, 0.0, 0.3, 6.7, 14.0])
def test_offset_is_found_to_a_fraction_of_a_frame(offset):
    found = estimate_offset(bump(30), 5 + 3 * bump(30 + offset))
    assert abs(found.frames - offset) < 0.1
    assert found.correlation > 0.98


def test_offset_with_noise():
    random = np.random.default_rng(0)
    noise = 0.05 * random.standard_normal((2, 60))
    assert abs(estimate_offset(bump(30) + noise[0], bump(34) + noise[1]).frames - 4) < 0.5


def test_offset_at_the_end_of_the_range_has_no_fraction():
    assert estimate_offset(bump(20), bump(28), largest=5).frames == 5


def test_curves_that_do_not_move_have_no_offset():
    assert estimate_offset(np.ones(20), np.ones(20)).correlation == 0


@pytest.mark.parametrize(("first", "second"), [(9, 10), (3, 3)])
def test_curves_that_cannot_be_compared_are_refused(first, second):
    with pytest.raises(ValueError, match="cannot be compared"):
        estimate_offset(np.ones(first), np.ones(second))
