from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import ConfigError
from lightning_face.events.event_array import EventArray
from lightning_face.events.time_surface import LatestTimes, time_surface


def test_values_fade_from_the_last_event_of_each_polarity(make_events, backend):
    events = make_events(400)
    expected = np.zeros((2, 20, 28))
    for t, x, y, p in zip(events.t, events.x, events.y, events.p, strict=True):
        expected[p, y, x] = np.exp((t - 300_000) / 30_000)
    surface = time_surface(events, 300_000, 30_000)
    assert surface.dtype == np.float32
    np.testing.assert_allclose(surface, expected, rtol=1e-6)


def test_an_event_at_the_time_of_the_surface_is_one_and_no_event_zero(backend):
    events = EventArray.from_arrays([0], [1], [0], [1], 1, 2)
    assert time_surface(events, 0, 10.0).tolist() == [[[0, 0]], [[0, 1]]]


def test_surfaces_of_blocks_are_those_of_the_whole(make_events, backend):
    events = make_events()
    latest = LatestTimes(20, 28)
    for start in range(0, len(events), 700):
        latest.add(events[start : start + 700])
    np.testing.assert_array_equal(latest.surface(205_000, 1e4), time_surface(events, 205_000, 1e4))


@pytest.mark.parametrize("tau", [0, -1, float("nan")])
def test_fading_has_to_take_time(make_events, tau):
    with pytest.raises(ConfigError, match="fading takes a positive"):
        time_surface(make_events(), 0, tau)
