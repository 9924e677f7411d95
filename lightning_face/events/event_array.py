"""Events of a camera whose pixels report changes of brightness one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["EventArray", "concatenate"]

_DTYPES = {"t": np.int64, "x": np.uint16, "y": np.uint16, "p": np.uint8}


@dataclass(frozen=True, eq=False)
class EventArray:
    """Events in order of time, one array for each of their four values.

    Only shapes and types are checked, which is cheap enough for every slice;
    `EventArray.from_arrays` converts and checks the values too.

    Attributes:
        t: Times in microseconds, non-decreasing (events,), int64.
        x: Columns from the left in pixels (events,), uint16.
        y: Rows from the top in pixels (events,), uint16.
        p: Polarities (events,), uint8: 1 where the pixel became brighter, 0 where darker.
        height: Height of the sensor in pixels.
        width: Width of the sensor in pixels.

    Raises:
        ValueError: An array is not flat, has another type than above or another length than the
            others, or the sensor has no pixels.
    """

    t: NDArray[np.int64]
    x: NDArray[np.uint16]
    y: NDArray[np.uint16]
    p: NDArray[np.uint8]
    height: int
    width: int

    def __post_init__(self) -> None:
        """Check shapes and types."""
        for name, dtype in _DTYPES.items():
            array = getattr(self, name)
            if array.dtype != dtype or array.ndim != 1 or len(array) != len(self.t):
                msg = (
                    f"{name} has to be flat, {np.dtype(dtype).name} and as long as t "
                    f"({len(self.t)}), not {array.dtype} of shape {array.shape}"
                )
                raise ValueError(msg)
        if self.height < 1 or self.width < 1:
            raise ValueError(f"a sensor of {self.width}x{self.height} pixels has no pixels")

    @classmethod
    def from_arrays(
        cls, t: ArrayLike, x: ArrayLike, y: ArrayLike, p: ArrayLike, height: int, width: int
    ) -> EventArray:
        """Convert arrays of other types, and check that their values make sense.

        Args:
            t: Times in microseconds, non-decreasing (events,).
            x: Columns in pixels, below ``width`` (events,).
            y: Rows in pixels, below ``height`` (events,).
            p: Polarities (events,): above zero where the pixel became brighter.
            height: Height of the sensor in pixels.
            width: Width of the sensor in pixels.

        Raises:
            ValueError: Times run back, or an event lies outside the sensor.
        """
        times = np.ascontiguousarray(t, np.int64)
        columns, rows = np.asarray(x), np.asarray(y)
        if (times[1:] < times[:-1]).any():
            raise ValueError("times run back")
        for name, values, size in (("x", columns, width), ("y", rows, height)):
            if len(values) and not (values.min() >= 0 and values.max() < size):
                raise ValueError(
                    f"{name} is between {values.min()} and {values.max()} on a sensor of "
                    f"{width}x{height} pixels"
                )
        return cls(
            times,
            np.ascontiguousarray(columns, np.uint16),
            np.ascontiguousarray(rows, np.uint16),
            np.ascontiguousarray(np.asarray(p) > 0, np.uint8),
            height,
            width,
        )

    @classmethod
    def empty(cls, height: int, width: int) -> EventArray:
        """Make an array without events.

        Args:
            height: Height of the sensor in pixels.
            width: Width of the sensor in pixels.
        """
        t, x, y, p = (np.empty(0, dtype) for dtype in _DTYPES.values())
        return cls(t, x, y, p, height, width)

    def __len__(self) -> int:
        """Number of events."""
        return len(self.t)

    def __getitem__(self, events: slice) -> EventArray:
        """Take a range of events as views of the arrays."""
        if not isinstance(events, slice):
            raise TypeError(f"events are taken as slices, not by {type(events).__name__}")
        return EventArray(
            self.t[events], self.x[events], self.y[events], self.p[events], self.height, self.width
        )

    def between(self, start_us: int, end_us: int) -> EventArray:
        """Take the events of a span of time as views of the arrays.

        Args:
            start_us: First time, in microseconds.
            end_us: First time after the span, in microseconds.
        """
        first, last = np.searchsorted(self.t, (start_us, end_us))
        return self[int(first) : int(last)]

    @property
    def duration(self) -> int:
        """Time from the first to the last event in microseconds, 0 without events."""
        return int(self.t[-1] - self.t[0]) if len(self) else 0


def concatenate(blocks: Sequence[EventArray]) -> EventArray:
    """Join consecutive blocks of one recording.

    Args:
        blocks: At least one block, in order of time.

    Raises:
        ValueError: There is no block, or they come from sensors of different sizes.
    """
    sizes = {(block.height, block.width) for block in blocks}
    if len(sizes) != 1:
        raise ValueError(f"blocks of one sensor size are needed, not of {sorted(sizes)}")
    filled = [block for block in blocks if len(block)]
    if len(filled) <= 1:
        return filled[0] if filled else blocks[0]
    t, x, y, p = (np.concatenate([getattr(block, name) for block in filled]) for name in _DTYPES)
    return EventArray(t, x, y, p, blocks[0].height, blocks[0].width)
