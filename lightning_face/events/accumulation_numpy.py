"""The loops over events by numpy alone.

Plain array expressions with the results of the compiled loops, at a fifth to a half of their
speed. Where several events fall on one pixel, numpy writes the last of them, as the loops do.
"""

from __future__ import annotations

from typing import Any

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


def first_backwards(t: NDArray[np.int64]) -> int:
    """Index of the first time that is smaller than the one before it, 0 without any."""
    backwards = t[1:] < t[:-1]
    return int(backwards.argmax()) + 1 if backwards.any() else 0


def mark_polarities(
    frame: NDArray[np.uint8],
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    p: NDArray[np.uint8],
    negative: int,
    positive: int,
) -> None:
    """Write the level of each event's polarity over its pixel of ``frame`` (height, width)."""
    frame[y, x] = np.where(p, np.uint8(positive), np.uint8(negative))


def mark_slices(
    words: NDArray[Any],
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    ends: NDArray[np.int64],
    bits: NDArray[Any],
) -> None:
    """Set bit ``bits[s]`` in ``words`` (height, width) at events ``ends[s] .. ends[s + 1]``."""
    for bit, start, end in zip(bits, ends[:-1], ends[1:], strict=True):
        words[y[start:end], x[start:end]] |= bit


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
    bit = plane != 0
    frame -= expired * ((history >> np.uint64(num_bits - 1)) & np.uint64(1)).astype(np.float32)
    frame *= np.float32(0.5)
    frame += newest * bit.astype(np.float32)
    history <<= np.uint64(1)
    history |= bit


def add_counts(
    counts: NDArray[np.int32],
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    p: NDArray[np.uint8],
) -> None:
    """Add events to ``counts`` (2, height, width), darker ones to plane 0, brighter to 1."""
    cells = _cells(counts.shape, (p != 0).astype(np.intp), y, x)
    counts += np.bincount(cells, minlength=counts.size).astype(counts.dtype).reshape(counts.shape)


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
    position = (t - start) * bins_per_us
    lower = np.minimum(position.astype(np.intp), last)
    weight = position - lower
    sign = np.where(p, 1.0, -1.0)
    for bins, weights in ((lower, sign * (1 - weight)), (lower + 1, sign * weight)):
        inside = bins <= last
        cells = _cells(grid.shape, bins[inside], y[inside], x[inside])
        sums = np.bincount(cells, weights[inside], minlength=grid.size)
        grid += sums.astype(grid.dtype).reshape(grid.shape)


def keep_times(
    latest: NDArray[np.int64],
    t: NDArray[np.int64],
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    p: NDArray[np.uint8],
) -> None:
    """Write the time of each event over its pixel of ``latest`` (2, height, width)."""
    latest[(p != 0).astype(np.intp), y, x] = t


def keep_pixels(
    t: NDArray[np.int64],
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    p: NDArray[np.uint8],
    columns: NDArray[np.int32],
    rows: NDArray[np.int32],
) -> tuple[NDArray[np.int64], NDArray[np.uint16], NDArray[np.uint16], NDArray[np.uint8]]:
    """Keep events whose pixel has a new column and row, neither of which is then negative."""
    new_x, new_y = columns[x], rows[y]
    kept = (new_x >= 0) & (new_y >= 0)
    return t[kept], new_x[kept].astype(np.uint16), new_y[kept].astype(np.uint16), p[kept]


def _cells(
    shape: tuple[int, ...],
    planes: NDArray[np.intp],
    rows: NDArray[np.uint16],
    columns: NDArray[np.uint16],
) -> NDArray[np.intp]:
    cells = planes * shape[1]
    cells += rows
    cells *= shape[2]
    cells += columns
    return cells
