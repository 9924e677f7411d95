"""Numbers of events per pixel and polarity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lightning_face.events.accumulation import check_events, loops
from lightning_face.events.event_array import EventArray

__all__ = ["event_count"]


def event_count(events: EventArray) -> NDArray[np.int32]:
    """Count the events of every pixel.

    Args:
        events: Events of one frame.

    Returns:
        Counts (2, height, width): plane 0 of the events where a pixel became darker, plane 1 of
        those where it became brighter.

    Raises:
        DataError: An event lies outside the sensor or is older than the one before it.
    """
    check_events(events)
    counts = np.zeros((2, events.height, events.width), np.int32)
    loops().add_counts(counts, events.x, events.y, events.p)
    return counts
