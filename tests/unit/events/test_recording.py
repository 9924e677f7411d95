from __future__ import annotations

import itertools

import numpy as np
import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face.events.dark_frame import dark_frames
from lightning_face.events.event_array import EventArray
from lightning_face.events.recording import frames_from_recording, iterate_frames
from lightning_face.events.tbr import tbr

RGB_TIMES = [1000, 34_000, 68_500, 99_000, 134_000, 167_000]


def blocks_of(events, size=333):
    return (events[start : start + size] for start in range(0, len(events), size))


def test_exact_dark_frames_end_with_the_next_rgb_frame(make_events, backend):
    events = make_events()
    drawn = frames_from_recording(events, RGB_TIMES)
    expected = dark_frames(events, [0, 33_000, 67_500, 98_000, 133_000, 166_000, 199_200])
    np.testing.assert_array_equal(drawn.frames, expected)
    assert drawn.numbers.tolist() == [0, 1, 2, 3, 4, 5]


def test_exact_tbr_frames_show_the_slices_before_the_next_rgb_frame(make_events, backend):
    events = make_events()
    drawn = frames_from_recording(events, RGB_TIMES, "tbr", num_bits=6, slice_us=4000)
    ends = [33_000, 67_500, 98_000, 133_000, 166_000, 199_200]
    np.testing.assert_array_equal(drawn.frames, tbr(events, ends, 4000, 6))


def test_without_events_exact_frames_are_empty():
    empty = EventArray.empty(4, 5)
    assert (frames_from_recording(empty, RGB_TIMES).frames == 37).all()
    assert frames_from_recording(empty, RGB_TIMES, "tbr").frames.shape == (6, 4, 5)


@pytest.mark.parametrize("representation", ["dark", "tbr"])
@pytest.mark.parametrize("alignment", ["exact", "legacy"])
@pytest.mark.parametrize("size", [None, 12, 31])
def test_blocks_give_the_frames_of_the_whole(make_events, representation, alignment, size):
    events = make_events()
    whole = frames_from_recording(events, RGB_TIMES, representation, alignment)
    drawn = frames_from_recording(
        blocks_of(events), RGB_TIMES, representation, alignment, size=size
    )
    np.testing.assert_array_equal(drawn.numbers, whole.numbers)
    expected = whole.frames
    if size is not None:
        picked = np.arange(size) * 20 // size
        expected = expected[:, picked[:, None], picked + 4]
    np.testing.assert_array_equal(drawn.frames, expected)


@pytest.mark.parametrize("representation", ["dark", "tbr"])
def test_frames_at_a_rate_cover_the_recording(make_events, representation):
    events = make_events(20)
    frames = list(iterate_frames(blocks_of(events), frame_rate=100, representation=representation))
    background = 37 if representation == "dark" else 0
    drawn = np.any([frame != background for frame in frames], axis=0)
    assert drawn.sum() == len(set(zip(events.x.tolist(), events.y.tolist(), strict=True)))


def test_frames_are_drawn_while_blocks_arrive(make_events):
    events = make_events()
    read = itertools.count()
    blocks = (block for block in blocks_of(events, 100) if next(read) >= 0)
    next(iterate_frames(blocks, [10_000]))
    assert next(read) < 5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"representation": "grey"}, "representation='grey': choose one of tbr, dark"),
        ({"alignment": "near"}, "alignment='near': choose one of exact, legacy"),
        ({"alignment": "legacy", "step_us": 0}, "step_us=0"),
        ({"representation": "tbr", "slice_us": 0}, "slice_us=0"),
        ({"representation": "tbr", "alignment": "legacy", "slice_us": -1}, "slice_us=-1"),
        ({"size": 0}, "size=0"),
    ],
)
def test_settings_out_of_range_are_errors(make_events, settings, message):
    with pytest.raises(ConfigError, match=message):
        frames_from_recording(make_events(), RGB_TIMES, **settings)


def test_times_or_a_rate_are_needed_and_not_both(make_events):
    for settings in ({}, {"frame_times": [1], "frame_rate": 30}):
        with pytest.raises(ConfigError, match="either the times of the frames or their rate"):
            next(iterate_frames(make_events(), **settings))


def test_events_and_frames_out_of_order_are_errors(make_events):
    with pytest.raises(DataError, match="frame times run back: 5 us after 9 us"):
        list(iterate_frames(make_events(), [9, 5]))
    events = make_events()
    events.t[50] = 0
    with pytest.raises(DataError, match="run back at event 50"):
        frames_from_recording(events, RGB_TIMES)
