from __future__ import annotations

import numpy as np

from lightning_face.events.event_array import EventArray
from lightning_face.events.event_count import event_count


def test_events_are_counted_per_polarity_and_pixel(make_events, backend):
    events = make_events()
    expected = np.zeros((2, 20, 28), int)
    np.add.at(expected, (events.p.astype(int), events.y, events.x), 1)
    np.testing.assert_array_equal(event_count(events), expected)


def test_without_events_all_counts_are_zero(backend):
    assert not event_count(EventArray.empty(3, 4)).any()
