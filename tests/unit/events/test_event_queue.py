from __future__ import annotations

import itertools

import numpy as np
import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face.events.event_array import EventArray
from lightning_face.events.event_queue import EventQueue, regular_times


@pytest.mark.parametrize("block", [1, 7, 1000, 5000])
def test_spans_do_not_depend_on_how_a_recording_is_cut_into_blocks(make_events, block):
    events = make_events()
    blocks = (events[start : start + block] for start in range(0, len(events), block))
    queue = EventQueue(blocks)
    edges = [0, 5000, 5000, 90_000, 90_001, 300_000]
    for start, end in itertools.pairwise([-1, *edges]):
        taken, expected = queue.take_until(end), events.between(start, end)
        np.testing.assert_array_equal(taken.t, expected.t)
        np.testing.assert_array_equal(taken.x, expected.x)
    assert queue.first_us() is None


def test_empty_blocks_are_passed_over(make_events):
    events = make_events(10)
    empty = EventArray.empty(20, 28)
    queue = EventQueue([empty, events[:4], empty, empty, events[4:], empty])
    assert len(queue.take_until(10**9)) == 10
    assert queue.first_us() is None


def test_a_block_is_read_only_when_it_is_needed(make_events):
    events = make_events()
    read = []

    def blocks():
        for start in range(0, len(events), 100):
            read.append(start)
            yield events[start : start + 100]

    EventQueue(blocks()).take_until(int(events.t[150]))
    assert read == [0, 100]


def test_blocks_that_run_back_are_an_error(make_events):
    events = make_events()
    queue = EventQueue([events[100:200], events[:100]])
    with pytest.raises(DataError, match="run back between two blocks"):
        queue.take_until(10**9)


def test_a_recording_without_blocks_is_an_error():
    with pytest.raises(DataError, match="holds no events"):
        EventQueue([])


def test_regular_frames_run_from_the_first_to_the_last_event(make_events):
    events = make_events()
    queue = EventQueue(events)
    counts, times = [], []
    for time in regular_times(queue, 30):
        times.append(time)
        counts.append(len(queue.take_until(time)))
    assert sum(counts) == len(events)
    assert times[-2] <= events.t[-1] < times[-1]
    assert times[0] == events.t[0] + 33_333


def test_an_empty_recording_has_no_regular_frames():
    assert list(regular_times(EventQueue(EventArray.empty(2, 2)), 30)) == []


@pytest.mark.parametrize("rate", [0, -5, float("nan"), float("inf")])
def test_a_rate_has_to_be_a_positive_number(make_events, rate):
    with pytest.raises(ConfigError, match="frame_rate"):
        next(regular_times(EventQueue(make_events()), rate))
