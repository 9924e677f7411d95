"""Events of a recording as a queue, from which spans of time are taken."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator

import numpy as np

from lightning_face.errors import ConfigError, DataError
from lightning_face.events.accumulation import check_events
from lightning_face.events.centre_square import centre_square
from lightning_face.events.event_array import EventArray, concatenate

__all__ = ["EventQueue", "regular_times"]


class EventQueue:
    """Events of a recording, taken from the front span by span."""

    def __init__(self, events: EventArray | Iterable[EventArray], size: int | None = None) -> None:
        """Begin at the first event.

        Args:
            events: A recording, or its blocks in order of time.
            size: Side in pixels of the centre square that is kept; None keeps the sensor.

        Raises:
            DataError: There is no block, or its events lie outside the sensor or run back in time.
        """
        self._blocks = iter([events] if isinstance(events, EventArray) else events)
        self._size = size
        self._last_us: int | None = None
        first = next(self._blocks, None)
        if first is None:
            raise DataError("the recording holds no events, so that there is nothing to draw")
        self._front = self._checked(first)
        nothing = self._cut(self._front[:0])
        self.height, self.width = nothing.height, nothing.width

    def first_us(self) -> int | None:
        """Time of the first event that is left in microseconds, None without any."""
        while not len(self._front):
            block = next(self._blocks, None)
            if block is None:
                return None
            self._front = self._checked(block)
        return int(self._front.t[0])

    def take_until(self, end_us: int) -> EventArray:
        """Remove and return the events before a time.

        Args:
            end_us: First time in microseconds that stays.
        """
        taken = [self._front[:0]]
        while (first := self.first_us()) is not None and first < end_us:
            count = int(np.searchsorted(self._front.t, end_us))
            taken.append(self._front[:count])
            self._front = self._front[count:]
        return self._cut(taken[-1] if len(taken) <= 2 else concatenate(taken))

    def _cut(self, events: EventArray) -> EventArray:
        # not before they are taken: events outside the square too decide when a recording ends
        return events if self._size is None else centre_square(events, self._size)

    def _checked(self, block: EventArray) -> EventArray:
        check_events(block)
        if len(block):
            if self._last_us is not None and block.t[0] < self._last_us:
                raise DataError(
                    f"times run back between two blocks: {block.t[0]} us after {self._last_us} us"
                )
            self._last_us = int(block.t[-1])
        return block


def regular_times(queue: EventQueue, frame_rate: float) -> Iterator[int]:
    """Generate the ends of frames until the consumer has taken all events from the queue.

    Args:
        queue: Events, the first of which begins the first frame.
        frame_rate: Frames each second.

    Yields:
        Times in microseconds.

    Raises:
        ConfigError: The rate is not a positive number.
    """
    if not 0 < frame_rate < math.inf:
        raise ConfigError(
            f"frame_rate={frame_rate}: a positive number of frames a second is needed"
        )
    start = queue.first_us()
    if start is None:
        return
    for frame in itertools.count(1):
        yield start + round(frame * 1e6 / frame_rate)
        if queue.first_us() is None:
            return
