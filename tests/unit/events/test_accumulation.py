from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.events.accumulation import check_events, loops
from lightning_face.events.event_array import EventArray


def test_the_loops_are_compiled_only_where_numba_is_installed(backend):
    assert loops().__name__.endswith(f"accumulation_{backend}")


def test_events_of_a_sensor_in_order_pass(make_events, backend):
    check_events(make_events())
    check_events(EventArray.empty(4, 5))


@pytest.mark.parametrize("name", ["x", "y"])
def test_an_event_outside_the_sensor_is_named(make_events, name):
    events = make_events(10)
    array = getattr(events, name).copy()
    array[7] = 28
    with pytest.raises(DataError, match=r"event 7 .*outside the sensor of 28x20"):
        check_events(dataclasses.replace(events, **{name: array}))


@pytest.mark.parametrize("place", [1, 4096, 4097, 9999])
def test_a_time_that_runs_back_is_named(make_events, backend, place):
    events = make_events(10_000)
    t = events.t.copy()
    t[place:] -= 1_000_000
    with pytest.raises(DataError, match=f"times run back at event {place}:"):
        check_events(dataclasses.replace(events, t=t))


def test_polarities_above_one_count_as_brighter(make_events, backend):
    events = make_events(50)
    strange = dataclasses.replace(events, p=events.p * np.uint8(200))
    for add in ("add_counts", "keep_times"):
        arrays = [np.zeros((2, 20, 28), np.int64) for _ in range(2)]
        for array, each in zip(arrays, (events, strange), strict=True):
            times = () if add == "add_counts" else (each.t,)
            getattr(loops(), add)(array, *times, each.x, each.y, each.p)
        np.testing.assert_array_equal(*arrays)
