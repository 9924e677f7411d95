"""How a measure is spread over all variants, as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from lightning_face.callbacks.report.curves import Axis, format_number
from lightning_face_emovoca.verification.settings import Measure

__all__ = ["draw_distribution"]

_WIDTH, _LEFT, _RIGHT = 520, 92, 16
_BARS_TOP, _BARS, _ROWS_TOP, _ROW, _BOTTOM = 8, 64, 84, 21, 24
_BINS = 48
_NARROW = 1e-6


def draw_distribution(
    measure: Measure,
    values: NDArray[np.float64],
    emotions: Sequence[str],
    intensities: Sequence[float],
) -> str:
    """Draw a histogram of all values, and below it the range of each emotion and intensity.

    A thin line is the range, a thick one holds nine tenths, a dot is the median. What is not sound
    lies on a shaded ground.

    Args:
        measure: The measure, whose limits are drawn.
        values: Its values ``(sentences, emotions, intensities)``; those not finite are left out.
        emotions: Names of the emotions.
        intensities: Strengths of the expressions.

    Returns:
        An ``<svg>``, empty text where no value is finite.
    """
    shown = np.where(np.isfinite(values), values, np.nan) * measure.scale
    finite = shown[np.isfinite(shown)]
    if not len(finite):
        return ""
    limits = [each * measure.scale for each in (measure.low, measure.high) if each is not None]
    axis = _axis(finite, limits)
    bottom = _ROWS_TOP + _ROW * len(emotions)
    parts = [_unsound(axis, measure, bottom), _grid(axis, bottom), _histogram(axis, finite)]
    for index, name in enumerate(emotions):
        y = _ROWS_TOP + _ROW * index
        parts.append(
            f'<text x="{_LEFT - 8}" y="{y + _ROW / 2 + 4:.1f}" text-anchor="end">'
            f"{escape(name)}</text>"
        )
        step = (_ROW - 7) / max(len(intensities), 1)
        for place in range(len(intensities)):
            column = shown[:, index, place]
            height = y + 4 + step * (place + 0.5)
            parts.append(_range(axis, column[np.isfinite(column)], height, place))
    label = f"{measure.title} of {len(finite)} variants"
    return (
        f'<svg class="spread" viewBox="0 0 {_WIDTH} {bottom + _BOTTOM}" role="img" '
        f'aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def _axis(finite: NDArray[np.float64], limits: list[float]) -> Axis:
    """Show all values, and the limits where these are not far away."""
    low, high = float(finite.min()), float(finite.max())
    span = high - low
    for limit in limits:
        if low - 2 * span <= limit <= high + 2 * span or span == 0:
            low, high = min(low, limit), max(high, limit)
    pad = 0.04 * (high - low)
    if pad < _NARROW * max(abs(low), abs(high)) or not pad:
        # values that rounding alone tells apart
        pad = 0.1 * abs(low) or 0.5
    return Axis(low - pad, high + pad, _LEFT, _WIDTH - _RIGHT)


def _unsound(axis: Axis, measure: Measure, bottom: float) -> str:
    parts = []
    for limit, below in ((measure.low, True), (measure.high, False)):
        if limit is None:
            continue
        x = axis.pixel(min(max(limit * measure.scale, axis.low), axis.high))
        start, stop = (_LEFT, x) if below else (x, _WIDTH - _RIGHT)
        parts.append(
            f'<rect class="unsound" x="{start:.1f}" y="{_BARS_TOP}" '
            f'width="{max(stop - start, 0):.1f}" height="{bottom - _BARS_TOP}"/>'
        )
        if axis.low < limit * measure.scale < axis.high:
            parts.append(
                f'<line class="limit" x1="{x:.1f}" x2="{x:.1f}" y1="{_BARS_TOP}" y2="{bottom}"/>'
            )
    return "".join(parts)


def _grid(axis: Axis, bottom: float) -> str:
    parts = [
        f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'
        for y in (_BARS_TOP + _BARS, bottom)
    ]
    for mark in axis.ticks():
        x = axis.pixel(mark)
        parts.append(
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_ROWS_TOP}" y2="{bottom}"/>'
            f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{format_number(mark)}</text>'
        )
    return "".join(parts)


def _histogram(axis: Axis, finite: NDArray[np.float64]) -> str:
    counts, edges = np.histogram(finite, _BINS, (axis.low, axis.high))
    base = _BARS_TOP + _BARS
    # the root lets a single value be seen beside hundreds
    heights = np.sqrt(counts / counts.max()) * (_BARS - 4)
    parts = []
    for count, height, start, stop in zip(counts, heights, edges, edges[1:], strict=False):
        if count:
            x, end = axis.pixel(start), axis.pixel(stop)
            text = f"{count} from {format_number(start)} to {format_number(stop)}"
            parts.append(
                f'<rect class="bar" x="{x + 0.5:.1f}" y="{base - height:.1f}" '
                f'width="{end - x - 1:.1f}" height="{height:.1f}"><title>{text}</title></rect>'
            )
    return "".join(parts)


def _range(axis: Axis, values: NDArray[np.float64], y: float, place: int) -> str:
    if not len(values):
        return ""
    low, start, middle, stop, high = (
        axis.pixel(float(each)) for each in np.quantile(values, [0, 0.05, 0.5, 0.95, 1])
    )
    return (
        f'<g class="i{place % 3}"><line class="all" x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" '
        f'y2="{y:.1f}"/><line class="most" x1="{start:.1f}" x2="{stop:.1f}" y1="{y:.1f}" '
        f'y2="{y:.1f}"/><circle cx="{middle:.1f}" cy="{y:.1f}" r="2.6"/></g>'
    )
