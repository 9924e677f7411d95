"""Curves of a page as inline SVG, in the page's own colours."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_face_eventvit.predictions.names import readable_name

__all__ = ["draw_timeline", "draw_tracks", "legend", "shown_classes"]

Floats = NDArray[np.floating]

_WIDTH, _HEIGHT = 1080, 292
_LEFT, _TOP = 44, 10
_WALL, _FLOOR = _WIDTH - 8, _HEIGHT - 62
_RIBBON = 20
_COLORS = 6
# more points than pixels only make the page heavy
_MOST_POINTS = 1200
_LETTER = 7.2
_TRACKS, _TRACK_WIDTH, _TRACK_HEIGHT = 3, 132, 74


def shown_classes(probabilities: Floats) -> list[int]:
    """Choose the classes that a picture with few colours shows.

    Args:
        probabilities: Probability of each class over time ``(steps, classes)``.

    Returns:
        At most six classes, those first that are the most probable one for longest.
    """
    wins = np.bincount(probabilities.argmax(axis=1), minlength=probabilities.shape[1])
    order = np.lexsort((-probabilities.max(axis=0), -wins))
    return [int(index) for index in order[:_COLORS]]


def legend(shown: Sequence[int], class_names: Sequence[str]) -> str:
    """Name the colours of the classes.

    Args:
        shown: Classes in the order of the colours.
        class_names: Names of all classes in label order.
    """
    keys = "".join(
        f'<span class="c{color}">{escape(readable_name(class_names[index]))}</span>'
        for color, index in enumerate(shown)
    )
    return f'<div class="legend">{keys}</div>'


def draw_timeline(
    seconds: Floats, probabilities: Floats, shown: Sequence[int], class_names: Sequence[str]
) -> str:
    """Draw probabilities over time above a ribbon of the most probable class.

    Args:
        seconds: Time of each step ``(steps,)``.
        probabilities: Probability of each class ``(steps, classes)``.
        shown: Classes to draw, in the order of the colours.
        class_names: Names of all classes in label order.
    """
    scale = _Scale(float(seconds[0]), float(seconds[-1]))
    parts = [_grid(scale)]
    steps = np.unique(np.linspace(0, len(seconds) - 1, _MOST_POINTS).round().astype(int))
    for color, index in reversed(list(enumerate(shown))):
        line = "L".join(
            f"{scale.x(seconds[step]):.1f} {scale.y(probabilities[step, index]):.1f}"
            for step in steps
        )
        parts.append(
            f'<path class="area c{color}" d="M{_LEFT} {_FLOOR}L{line}L{_WALL} {_FLOOR}Z"/>'
            f'<path class="curve c{color}" d="M{line}"/>'
        )
    parts.append(_ribbon(scale, seconds, probabilities.argmax(axis=1), shown, class_names))
    return (
        f'<svg class="timeline" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="probabilities over time">{"".join(parts)}</svg>'
    )


def draw_tracks(alphas: Floats, fitted: Floats | None = None) -> str:
    """Draw the liveliest expression coefficients of a clip over its frames.

    Args:
        alphas: Predicted coefficients ``(frames, coefficients)``.
        fitted: Coefficients to compare with, drawn dashed; gaps where they are not finite.
    """
    if not len(alphas):
        return ""
    judged = alphas if fitted is None else np.nan_to_num(fitted)
    parts = []
    for place, index in enumerate(np.argsort(-judged.var(axis=0), kind="stable")[:_TRACKS]):
        left = place * (_TRACK_WIDTH + 12)
        curves = [("curve c0", alphas[:, index])]
        if fitted is not None:
            curves.insert(0, ("curve fitted", fitted[:, index]))
        values = np.concatenate([curve for _, curve in curves])
        values = values[np.isfinite(values)]
        low, high = float(values.min()), float(values.max())
        parts.append(f'<text x="{left}" y="12">coefficient {index}</text>')
        for kind, curve in curves:
            places = np.flatnonzero(np.isfinite(curve))
            points = [
                f"{left + step / max(len(curve) - 1, 1) * _TRACK_WIDTH:.1f} "
                f"{_TRACK_HEIGHT - 4 - (curve[step] - low) / max(high - low, 1e-9) * 52:.1f}"
                for step in places
            ]
            if points:
                parts.append(f'<path class="{kind}" d="M{"L".join(points)}"/>')
    width = _TRACKS * (_TRACK_WIDTH + 12) - 12
    if fitted is not None:
        parts.append("<title>predicted, and dashed as fitted to the video</title>")
    return (
        f'<svg class="tracks" viewBox="0 0 {width} {_TRACK_HEIGHT}" role="img" '
        f'aria-label="expression coefficients over time">{"".join(parts)}</svg>'
    )


class _Scale(NamedTuple):
    """Places of times and shares in the picture."""

    start: float
    end: float

    def x(self, seconds: float) -> float:
        """Pixels from the left."""
        span = max(self.end - self.start, 1e-3)
        return _LEFT + (float(seconds) - self.start) / span * (_WALL - _LEFT)

    def y(self, share: float) -> float:
        """Pixels from the top."""
        return _FLOOR - float(share) * (_FLOOR - _TOP)


def _grid(scale: _Scale) -> str:
    """Draw lines at every quarter and times below the ribbon."""
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = scale.y(share)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WALL}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{share:.0%}</text>')
    for seconds in _round_times(scale.start, scale.end):
        parts.append(
            f'<text x="{scale.x(seconds):.1f}" y="{_HEIGHT - 8}" text-anchor="middle">'
            f"{seconds:g} s</text>"
        )
    return "".join(parts)


def _ribbon(
    scale: _Scale,
    seconds: Floats,
    winners: NDArray[np.integer],
    shown: Sequence[int],
    class_names: Sequence[str],
) -> str:
    """Draw which class is the most probable one, as segments with its name."""
    ends = np.append(seconds[1:], seconds[-1])
    parts, first = [], 0
    for winner, run in groupby(winners.tolist()):
        last = first + len(list(run)) - 1
        left, right = scale.x(seconds[first]), scale.x(ends[last])
        color = f"c{shown.index(winner)}" if winner in shown else "rest"
        name = readable_name(class_names[winner])
        parts.append(
            f'<rect class="segment {color}" x="{left:.1f}" y="{_FLOOR + 10}" '
            f'width="{max(right - left, 0.5):.1f}" height="{_RIBBON}" rx="3">'
            f"<title>{escape(name)}</title></rect>"
        )
        label = (
            name if len(name) * _LETTER < right - left else class_names[winner].replace("_", " ")
        )
        if len(label) * _LETTER < right - left:
            parts.append(
                f'<text class="label" x="{(left + right) / 2:.1f}" '
                f'y="{_FLOOR + 10 + _RIBBON / 2 + 4}" text-anchor="middle">{escape(label)}</text>'
            )
        first = last + 1
    return "".join(parts)


def _round_times(start: float, end: float) -> list[float]:
    """Choose up to about ten times that are 1, 2 or 5 times a power of ten apart."""
    rough = max(end - start, 1e-3) / 10
    size = 10.0 ** np.floor(np.log10(rough))
    step = size * next(factor for factor in (1, 2, 5, 10) if factor * size >= rough)
    return [
        round(float(time), 6) for time in np.arange(np.ceil(start / step), end / step + 1e-6) * step
    ]
