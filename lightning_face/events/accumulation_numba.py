"""Single passes over events, compiled by numba.

Each event costs little more than reading it: no temporary arrays, no division. The compiled code
is cached on disk and runs without the interpreter's lock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "add_counts",
    "add_voxels",
    "first_backwards",
    "keep_pixels",
    "keep_times",
    "mark_polarities",
    "mark_slices",
    "push_bits",
]

_compiled: Callable[..., Any] = numba.njit(cache=True, nogil=True)


@_compiled
def first_backwards(t: NDArray[np.int64]) -> int:
    """Index of the first time that is smaller than the one before it, 0 without any."""
    step = 4096
    # whole runs are tested without a way out, which makes the test a vector instruction
    for start in range(1, len(t), step):
        stop = min(start + step, len(t))
        backwards = False
        for i in range(start, stop):
            backwards |= t[i] < t[i - 1]
        if backwards:
            for i in range(start, stop):
                if t[i] < t[i - 1]:
                    return i
    return 0


@_compiled
def mark_polarities(
    frame: NDArray[np.uint8],
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    p: NDArray[np.uint8],
    negative: int,
    positive: int,
) -> None:
    """Write the level of each event's polarity over its pixel of ``frame`` (height, width)."""
    darker, brighter = np.uint8(negative), np.uint8(positive)
    for i in range(len(x)):
        frame[y[i], x[i]] = brighter if p[i] else darker


@_compiled
def mark_slices(
    words: NDArray[Any],
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    ends: NDArray[np.int64],
    bits: NDArray[Any],
) -> None:
    """Set bit ``bits[s]`` in ``words`` (height, width) at events ``ends[s] .. ends[s + 1]``."""
    for s in range(len(bits)):
        bit = bits[s]
        for i in range(ends[s], ends[s + 1]):
            words[y[i], x[i]] |= bit


@_compiled
def push_bits(
    frame: NDArray[np.float32],
    history: NDArray[np.uint64],
    plane: NDArray[np.uint8],
    num_bits: int,
) -> None:
    """Take one step of the published recursion on ``frame`` and ``history`` (height, width)."""
    newest = np.float32(2 ** (num_bits - 1) / (2**num_bits - 1))
    # what a bit has become in the published stack when it leaves, after halving at every step
    expired = np.float32(0.5 ** (num_bits - 1))
    half, zero = np.float32(0.5), np.float32(0.0)
    last, one = np.uint64(num_bits - 1), np.uint64(1)
    for row in range(frame.shape[0]):
        for column in range(frame.shape[1]):
            word = history[row, column]
            value = frame[row, column] - (expired if (word >> last) & one else zero)
            bit = plane[row, column] != 0
            frame[row, column] = value * half + (newest if bit else zero)
            history[row, column] = (word << one) | np.uint64(bit)


@_compiled
def add_counts(
    counts: NDArray[np.int32],
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    p: NDArray[np.uint8],
) -> None:
    """Add events to ``counts`` (2, height, width), darker ones to plane 0, brighter to 1."""
    for i in range(len(x)):
        counts[1 if p[i] else 0, y[i], x[i]] += 1


@_compiled
def add_voxels(
    grid: NDArray[np.float32],
    t: NDArray[np.int64],
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    p: NDArray[np.uint8],
    start: int,
    bins_per_us: float,
) -> None:
    """Share the polarities of events between the two nearest of the bins of ``grid``."""
    last = grid.shape[0] - 1
    for i in range(len(t)):
        position = (t[i] - start) * bins_per_us
        lower = min(int(position), last)
        weight = np.float32(position - lower)
        sign = np.float32(1.0) if p[i] else np.float32(-1.0)
        grid[lower, y[i], x[i]] += sign * (np.float32(1.0) - weight)
        if lower < last:
            grid[lower + 1, y[i], x[i]] += sign * weight


@_compiled
def keep_times(
    latest: NDArray[np.int64],
    t: NDArray[np.int64],
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    p: NDArray[np.uint8],
) -> None:
    """Write the time of each event over its pixel of ``latest`` (2, height, width)."""
    for i in range(len(t)):
        latest[1 if p[i] else 0, y[i], x[i]] = t[i]


@_compiled
def keep_pixels(
    t: NDArray[np.int64],
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    p: NDArray[np.uint8],
    columns: NDArray[np.int32],
    rows: NDArray[np.int32],
) -> tuple[NDArray[np.int64], NDArray[np.uint16], NDArray[np.uint16], NDArray[np.uint8]]:
    """Keep events whose pixel has a new column and row, neither of which is then negative."""
    count = 0
    for i in range(len(t)):
        count += (columns[x[i]] >= 0) & (rows[y[i]] >= 0)
    # one place more, so that every event can be written before it is known whether it stays
    kept_t = np.empty(count + 1, np.int64)
    kept_x = np.empty(count + 1, np.uint16)
    kept_y = np.empty(count + 1, np.uint16)
    kept_p = np.empty(count + 1, np.uint8)
    place = 0
    for i in range(len(t)):
        column, row = columns[x[i]], rows[y[i]]
        kept_t[place] = t[i]
        kept_x[place] = column
        kept_y[place] = row
        kept_p[place] = p[i]
        place += (column >= 0) & (row >= 0)
    return kept_t[:count], kept_x[:count], kept_y[:count], kept_p[:count]
