"""The loop that made the published event frames, with what it loses.

Kept for networks that were trained on its frames. Recordings are read in short steps; frames end
with a step, TBR slices too, and what is pending when a TBR frame ends is forgotten.

Source: published code of Becattini et al. 2024 (arXiv 2409.10213).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import ConfigError
from lightning_face.events.accumulation import loops
from lightning_face.events.dark_frame import BACKGROUND, draw_dark
from lightning_face.events.event_array import EventArray
from lightning_face.events.event_queue import EventQueue
from lightning_face.events.frame_times import mean_interval
from lightning_face.events.tbr import LegacyHistory

__all__ = ["LegacyDark", "LegacyTBR", "legacy_frames"]


class LegacyDark:
    """Dark frames of the pending steps.

    Attributes:
        pending: True once a step has been taken in.
    """

    def __init__(self, height: int, width: int) -> None:
        """Begin without a step; sides in pixels."""
        self.pending = False
        self._frame = np.full((height, width), BACKGROUND, np.uint8)

    def begin(self, events: EventArray) -> None:
        """Forget what is pending and take in a first step."""
        self._frame[:] = BACKGROUND
        self.pending = True
        draw_dark(self._frame, events)

    def extend(self, events: EventArray, now_us: int) -> None:
        """Take in one more step, which ended at a time in microseconds."""
        draw_dark(self._frame, events)

    def grey(self) -> NDArray[np.uint8]:
        """Grey levels of the frame so far (height, width)."""
        return self._frame.copy()


class LegacyTBR:
    """TBR frames of the published recursion.

    Attributes:
        pending: True while steps wait for the end of their slice.
    """

    def __init__(self, height: int, width: int, slice_us: int, num_bits: int) -> None:
        """Begin without a step.

        Args:
            height: Height of the sensor in pixels.
            width: Width of the sensor in pixels.
            slice_us: Time in microseconds after which the next step ends a slice.
            num_bits: Slices that a frame holds, 1 to 32.

        Raises:
            ConfigError: A setting is out of range.
        """
        if slice_us < 0:
            raise ConfigError(f"slice_us={slice_us}: a slice cannot be shorter than nothing")
        self.pending = False
        self._slice_us = slice_us
        self._last_push_us = 0
        self._plane = np.zeros((height, width), np.uint8)
        self._history = LegacyHistory(height, width, num_bits)

    def begin(self, events: EventArray) -> None:
        """Forget what is pending and take in the first step of a slice."""
        self._plane[:] = 0
        self.pending = True
        self._mark(events)

    def extend(self, events: EventArray, now_us: int) -> None:
        """Take in one more step, which ended at a time in microseconds and may end its slice."""
        self._mark(events)
        if now_us - self._last_push_us > self._slice_us:
            self._last_push_us = now_us
            self._history.push(self._plane)
            self.pending = False

    def grey(self) -> NDArray[np.uint8]:
        """Grey levels of the slices that have ended (height, width)."""
        return self._history.grey()

    def _mark(self, events: EventArray) -> None:
        loops().mark_polarities(self._plane, events.x, events.y, events.p, 1, 1)


def legacy_frames(
    queue: EventQueue, rgb_times: NDArray[np.int64], drawing: LegacyDark | LegacyTBR, step_us: int
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Run the loop over a recording.

    Args:
        queue: Events of the recording; those before time 0 are left out.
        rgb_times: Times of the RGB frames in microseconds, not decreasing (frames,).
        drawing: What is drawn.
        step_us: Length of a step in microseconds.

    Yields:
        Number of a frame and its grey levels (height, width).
    """
    since_first = rgb_times - rgb_times[0]
    # the last frame has no end: it runs until the events do
    ends = iter(
        (since_first[:-1] + mean_interval(rgb_times)).tolist() if len(rgb_times) > 1 else ()
    )
    frame_end = next(ends, math.inf)
    queue.take_until(0)
    number = 0
    now_us = 0
    while queue.first_us() is not None:
        now_us += step_us
        events = queue.take_until(now_us)
        if not drawing.pending:
            drawing.begin(events)
        elif now_us < frame_end:
            drawing.extend(events, now_us)
        else:
            yield number, drawing.grey()
            number += 1
            drawing.begin(events)
            frame_end = next(ends, math.inf)
    yield number + 1, drawing.grey()
