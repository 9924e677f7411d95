from __future__ import annotations

import numpy as np
import pytest

from lightning_face.events.event_array import EventArray, concatenate
from lightning_face.events.recording import frames_from_recording
from lightning_face.events.tbr import tbr_legacy


def published_loop(events, rgb_times, representation, num_bits=8, slice_us=4000, step_us=1000):
    """The loop as it is described, over whole lists of events and of bit planes."""
    times = np.array(rgb_times) - rgb_times[0]
    count = len(times)
    interval = round(times[-1] / (count - 1)) if count > 1 else 0
    boundary = times[0] + interval if count > 1 else np.inf
    planes, pending, frames, numbers = [], None, [], []
    k = last_update = 0

    def draw():
        if representation == "dark":
            frame = np.full((events.height, events.width), 37, np.uint8)
            frame[pending.y, pending.x] = np.where(pending.p, 255, 126)
        else:
            values = tbr_legacy(planes, num_bits)[-1] if planes else np.zeros(1, np.float32)
            grey = np.clip(np.rint(values * np.float32(255)), 0, 255).astype(np.uint8)
            frame = np.broadcast_to(grey, (events.height, events.width))
        frames.append(frame)
        numbers.append(k)

    for s in range(int(events.t[-1]) // step_us + 1):
        now = (s + 1) * step_us
        step = events.between(s * step_us, now)
        if pending is None:
            pending = step
        elif now < boundary:
            pending = concatenate([pending, step])
            if representation == "tbr" and now - last_update > slice_us:
                last_update = now
                plane = np.zeros((events.height, events.width), bool)
                plane[pending.y, pending.x] = True
                planes.append(plane)
                pending = None
        else:
            draw()
            k += 1
            pending = step
            boundary = times[k] + interval if k + 1 < count else np.inf
    k += 1
    draw()
    return np.array(numbers), np.stack(frames)


RGB = {
    "regular": np.arange(0, 200_000, 33_333),
    "jittered": np.array([500, 36_000, 61_000, 99_999, 130_250, 131_000, 180_123]),
    "longer than the events": np.arange(0, 900_000, 50_000),
    "shorter than the events": np.arange(0, 90_000, 30_000),
    "one frame": np.array([7]),
    "two frames at once": np.array([0, 0]),
}


@pytest.mark.parametrize("representation", ["dark", "tbr"])
@pytest.mark.parametrize("rgb", RGB)
@pytest.mark.parametrize(("step_us", "slice_us"), [(1000, 4000), (1000, 0), (700, 6500)])
def test_frames_and_numbers_are_those_of_the_loop(
    make_events, backend, representation, rgb, step_us, slice_us
):
    events = make_events()
    settings = {"step_us": step_us, "slice_us": slice_us}
    drawn = frames_from_recording(events, RGB[rgb], representation, "legacy", **settings)
    numbers, frames = published_loop(events, RGB[rgb], representation, **settings)
    np.testing.assert_array_equal(drawn.numbers, numbers)
    np.testing.assert_array_equal(drawn.frames, frames)


@pytest.mark.parametrize("representation", ["dark", "tbr"])
@pytest.mark.parametrize("num_bits", [3, 8, 16])
def test_stretches_without_events_are_visited_too(make_events, backend, representation, num_bits):
    early = make_events(200, duration_us=20_000, start_us=12_345)
    late = make_events(200, duration_us=30_000, start_us=150_000, seed=1)
    events = concatenate([early, late])
    rgb = RGB["regular"]
    drawn = frames_from_recording(events, rgb, representation, "legacy", num_bits)
    numbers, frames = published_loop(events, rgb, representation, num_bits)
    np.testing.assert_array_equal(drawn.numbers, numbers)
    np.testing.assert_array_equal(drawn.frames, frames)


def test_a_number_is_skipped_before_the_last_frame(make_events):
    drawn = frames_from_recording(make_events(), RGB["regular"], "dark", "legacy")
    assert drawn.numbers.tolist() == [0, 1, 2, 3, 4, 5, 7]


def test_tbr_frames_lose_the_events_before_their_end_and_exact_ones_do_not():
    t = np.arange(4500, 200_000, 500)
    events = EventArray.from_arrays(t, np.arange(len(t)), np.zeros(len(t)), t % 2, 1, len(t))
    rgb = np.arange(0, 200_000, 33_000)
    legacy = frames_from_recording(events, rgb, "tbr", "legacy").frames
    exact = frames_from_recording(events, rgb, "tbr").frames
    lost = (legacy == 0).all(axis=(0, 1))
    assert lost[t < 190_000].any()
    assert not (exact == 0).all(axis=(0, 1))[t < 190_000].any()


@pytest.mark.parametrize(("representation", "background"), [("dark", 37), ("tbr", 0)])
def test_without_events_the_loop_writes_one_empty_frame(representation, background):
    drawn = frames_from_recording(EventArray.empty(2, 3), RGB["regular"], representation, "legacy")
    assert drawn.numbers.tolist() == [1]
    assert (drawn.frames == background).all()


def test_events_before_time_zero_belong_to_no_step():
    events = EventArray.from_arrays([-5, 100], [0, 1], [0, 0], [1, 1], 1, 2)
    drawn = frames_from_recording(events, [0, 10_000], "dark", "legacy")
    assert drawn.frames.tolist() == [[[37, 255]]]
