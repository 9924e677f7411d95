from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.events.event_array import EventArray
from lightning_face.events.rate_plot import event_rate, plot_rate


@pytest.mark.parametrize("block", [1, 77, 5000])
def test_events_of_each_millisecond_are_counted_in_blocks_of_any_size(make_events, block):
    events = make_events(500)
    blocks = [events[start : start + block] for start in range(0, len(events), block)]
    rate = event_rate([EventArray.empty(20, 28), *blocks])
    assert (rate.start_us, rate.bin_us) == (4000, 1000)
    for number, counts in enumerate(rate.counts.T):
        inside = events.between(4000 + number * 1000, 5000 + number * 1000)
        assert counts.tolist() == [(inside.p == 0).sum(), (inside.p == 1).sum()]
    assert rate.counts.sum() == 500


def test_bins_are_joined_without_losing_events(make_events):
    rate = event_rate(make_events())
    coarse = rate.coarser(30)
    assert coarse.counts.shape[1] <= 30
    assert coarse.bin_us == 7000
    assert coarse.counts.sum() == 3000
    assert coarse.per_second[0, 0] == pytest.approx(coarse.counts[0, 0] / 0.007)


def test_a_recording_without_events_has_no_rate():
    with pytest.raises(DataError, match="no events"):
        event_rate(EventArray.empty(2, 3))


def test_blocks_that_run_back_are_an_error(make_events):
    events = make_events()
    with pytest.raises(DataError, match="run back between two blocks"):
        event_rate([events[2000:], events[:1000]])


@pytest.mark.parametrize("count", [1, 3000])
def test_the_area_is_high_where_events_are_frequent(make_events, count):
    events = make_events(count)
    late = EventArray.from_arrays(
        [*events.t, *[250_000] * 2000],
        *([*getattr(events, name), *[1] * 2000] for name in "xyp"),
        20,
        28,
    )
    picture = np.asarray(plot_rate(event_rate(late), "recording"))
    assert picture.shape == (360, 960, 3)
    orange = (np.abs(picture.astype(int) - (224, 138, 44)).sum(axis=2) < 60).nonzero()
    in_plot = orange[0] > 40
    highest = orange[0][in_plot].argmin()
    assert orange[1][in_plot][highest] > 900
