from __future__ import annotations

import pytest

from lightning_face.errors import DataError
from lightning_face.events.frame_times import check_times, frame_ends


def test_event_frames_last_until_the_next_rgb_frame_and_the_last_one_a_mean_interval():
    assert frame_ends([100, 130, 170, 200]).tolist() == [30, 70, 100, 133]


def test_times_are_rounded_to_microseconds():
    assert check_times([0.4, 1.6]).tolist() == [0, 2]


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([], "at least one"),
        ([[1, 2]], "have to be a list"),
        ([0, float("nan")], "frame time 1 is not a number"),
        ([0, float("inf")], "frame time 1 is not a number"),
        ([0, 5, 4], "run back at frame 2: 4 us after 5 us"),
    ],
)
def test_times_that_make_no_sense_are_errors(times, message):
    with pytest.raises(DataError, match=message):
        check_times(times)


def test_one_rgb_frame_has_no_interval():
    with pytest.raises(DataError, match="at least two"):
        frame_ends([5])
