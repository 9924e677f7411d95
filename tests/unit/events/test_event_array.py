from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from lightning_face.events import EventArray, concatenate


def test_slices_are_views_of_the_same_sensor(make_events):
    events = make_events(count=10)
    part = events[2:5]
    assert len(part) == 3
    assert (part.height, part.width) == (events.height, events.width)
    for name in "txyp":
        assert np.shares_memory(getattr(part, name), getattr(events, name))


def test_single_events_are_refused(make_events):
    with pytest.raises(TypeError, match="slices"):
        make_events()[0]


@pytest.mark.parametrize(
    ("span", "expected"), [((10, 30), [10, 10, 20]), ((0, 10), []), ((30, 99), [30]), ((9, 9), [])]
)
def test_between_takes_the_start_and_leaves_the_end(span, expected):
    zeros = np.zeros(4, int)
    events = EventArray.from_arrays([10, 10, 20, 30], zeros, zeros, zeros, 1, 1)
    assert events.between(*span).t.tolist() == expected


def test_duration_is_from_first_to_last_event():
    events = EventArray.from_arrays([7, 19], [0, 1], [0, 0], [1, 0], 2, 2)
    assert events.duration == 12
    assert EventArray.empty(2, 2).duration == 0


@pytest.mark.parametrize("cuts", [[0, 10], [0, 3, 3, 10], [0, 0, 10, 10], [5, 5]])
def test_concatenate_undoes_slicing(make_events, cuts):
    events = make_events(count=10)
    joined = concatenate([events[a:b] for a, b in pairwise(cuts)])
    for name in "txyp":
        expected = getattr(events, name)[cuts[0] : cuts[-1]]
        np.testing.assert_array_equal(getattr(joined, name), expected)


def test_concatenate_refuses_several_sensors_and_nothing():
    with pytest.raises(ValueError, match="one sensor size"):
        concatenate([EventArray.empty(1, 2), EventArray.empty(2, 1)])
    with pytest.raises(ValueError, match="one sensor size"):
        concatenate([])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"t": np.zeros(3, np.int32)}, "t has to be flat, int64"),
        ({"x": np.zeros(2, np.uint16)}, "x has to be flat, uint16 and as long as t"),
        ({"p": np.zeros((3, 1), np.uint8)}, "p has to be flat"),
        ({"height": 0}, "no pixels"),
    ],
)
def test_wrong_arrays_are_named(change, message):
    arrays = {
        "t": np.zeros(3, np.int64),
        "x": np.zeros(3, np.uint16),
        "y": np.zeros(3, np.uint16),
        "p": np.zeros(3, np.uint8),
        "height": 4,
        "width": 4,
    }
    with pytest.raises(ValueError, match=message):
        EventArray(**{**arrays, **change})


@pytest.mark.parametrize(
    ("t", "x", "message"),
    [([2, 1], [0, 0], "run back"), ([1, 2], [0, 9], "x is"), ([1, 2], [-1, 0], "x is")],
)
def test_from_arrays_checks_values(t, x, message):
    with pytest.raises(ValueError, match=message):
        EventArray.from_arrays(t, x, [0, 0], [0, 1], 2, 9)


def test_from_arrays_takes_signed_polarities():
    events = EventArray.from_arrays([1, 2, 3], [0, 0, 0], [0, 0, 0], [-1, 1, 0], 1, 1)
    assert events.p.tolist() == [0, 1, 0]
    assert events.p.dtype == np.uint8
