"""Event rates over time, as numbers and as a picture."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lightning_face.errors import DataError
from lightning_face.events.accumulation import check_events
from lightning_face.events.event_array import EventArray

__all__ = ["EventRate", "event_rate", "plot_rate"]

_BIN_US = 1000
_SIZE = 960, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 18, 40, 46
# Drawn larger and reduced, so that lines come out smooth.
_OVERSAMPLING = 2
_TOTAL, _BRIGHTER, _DARKER = "#d7dce5", "#e08a2c", "#407ec8"
_INK, _GRID = "#333a46", "#e6e8ec"


@dataclass(frozen=True, eq=False)
class EventRate:
    """Numbers of events in equal bins of time.

    Attributes:
        start_us: Start of the first bin in microseconds.
        bin_us: Length of a bin in microseconds.
        counts: Darker and brighter events of each bin (2, bins), int64.
    """

    start_us: int
    bin_us: int
    counts: NDArray[np.int64]

    @property
    def per_second(self) -> NDArray[np.float64]:
        """Darker and brighter events each second (2, bins)."""
        return self.counts.astype(np.float64) * (1e6 / self.bin_us)

    def coarser(self, most_bins: int) -> EventRate:
        """Join neighbouring bins, as many as it takes for at most ``most_bins``.

        Bins that are missing at the end count as empty.
        """
        joined = math.ceil(self.counts.shape[1] / most_bins)
        padded = np.pad(self.counts, ((0, 0), (0, -self.counts.shape[1] % joined)))
        counts = padded.reshape(2, -1, joined).sum(axis=2)
        return EventRate(self.start_us, self.bin_us * joined, counts)


def event_rate(events: EventArray | Iterable[EventArray]) -> EventRate:
    """Count the events of each millisecond, in memory that grows by 16 bytes with each.

    Args:
        events: A recording, or its blocks in order of time.

    Raises:
        DataError: There are no events, or they run back in time.
    """
    start = None
    counts = np.zeros((2, 0), np.int64)
    for block in [events] if isinstance(events, EventArray) else events:
        check_events(block)
        if not len(block):
            continue
        if start is None:
            start = int(block.t[0]) // _BIN_US * _BIN_US
        if block.t[0] < start:
            raise DataError(f"times run back between two blocks, to {block.t[0]} us")
        bins = (block.t - start) // _BIN_US
        first, number = int(bins[0]), int(bins[-1]) + 1
        if number > counts.shape[1]:
            counts = np.pad(counts, ((0, 0), (0, number - counts.shape[1])))
        for polarity in (0, 1):
            added = np.bincount(bins[(block.p != 0) == polarity] - first)
            counts[polarity, first : first + len(added)] += added
    if start is None:
        raise DataError("the recording holds no events, so that it has no rate")
    return EventRate(start, _BIN_US, counts)


def plot_rate(rate: EventRate, title: str) -> Image.Image:
    """Plot events each second over time: all as an area, each polarity as a line.

    Args:
        rate: Rate of a recording.
        title: Line above the plot.

    Returns:
        A picture of 960x360 pixels.
    """
    shown = rate.coarser(_SIZE[0] - _LEFT - _RIGHT)
    darker, brighter = shown.per_second
    total = darker + brighter
    first_s = shown.start_us / 1e6
    last_s = first_s + shown.bin_us * len(total) / 1e6
    step_y = _round_step(float(total.max()), 5)
    highest = step_y * max(1, math.ceil(total.max() / step_y))
    width, height = (side * _OVERSAMPLING for side in _SIZE)
    left, right = _LEFT * _OVERSAMPLING, width - _RIGHT * _OVERSAMPLING
    top, bottom = _TOP * _OVERSAMPLING, height - _BOTTOM * _OVERSAMPLING

    def at(seconds: float, value: float) -> tuple[float, float]:
        return (
            left + (right - left) * (seconds - first_s) / (last_s - first_s),
            bottom - (bottom - top) * value / highest,
        )

    picture = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(12 * _OVERSAMPLING)
    for value in np.arange(0, highest + step_y / 2, step_y).tolist():
        _, y = at(first_s, value)
        draw.line([(left, y), (right, y)], _GRID, _OVERSAMPLING)
        draw.text((left - 12, y), _short(value), _INK, font, anchor="rm")
    step_x = _round_step(last_s - first_s, 8)
    for tick in range(math.ceil(first_s / step_x), math.floor(last_s / step_x) + 1):
        x, y = at(tick * step_x, 0)
        draw.line([(x, y), (x, y + 8)], _INK, _OVERSAMPLING)
        draw.text((x, y + 14), f"{tick * step_x:g}", _INK, font, anchor="mt")
    edges = np.repeat(first_s + np.arange(len(total) + 1) * shown.bin_us / 1e6, 2)[1:-1]

    def outline(values: NDArray[np.float64]) -> list[tuple[float, float]]:
        return [at(x, y) for x, y in zip(edges, np.repeat(values, 2), strict=True)]

    draw.polygon([at(first_s, 0), *outline(total), at(last_s, 0)], _TOTAL)
    draw.line(outline(darker), _DARKER, _OVERSAMPLING + 1)
    draw.line(outline(brighter), _BRIGHTER, _OVERSAMPLING + 1)
    draw.line([(left, bottom), (right, bottom)], _INK, _OVERSAMPLING)
    middle = 20 * _OVERSAMPLING
    draw.text((left, middle), title, _INK, font, anchor="lm")
    x = right
    for label, colour in (("darker", _DARKER), ("brighter", _BRIGHTER), ("all", _TOTAL)):
        draw.text((x, middle), label, _INK, font, anchor="rm")
        x -= draw.textlength(label, font) + 10
        draw.rectangle([x - 22, middle - 10, x, middle + 10], colour)
        x -= 50
    axis = f"events per second, mean of {shown.bin_us / 1000:g} ms, over seconds"
    draw.text((right, height - 10), axis, _INK, font, anchor="rb")
    return picture.resize(_SIZE, Image.Resampling.LANCZOS)


def _round_step(span: float, most: int) -> float:
    """Smallest of 1, 2 and 5 times a power of ten that is in a span at most ``most`` times."""
    size = 10.0 ** math.floor(math.log10(span / most))
    return next(factor * size for factor in (1, 2, 5, 10) if factor * size * most >= span * 0.9999)


def _short(value: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g}"
