"""Training curves as inline SVG, drawn from the metrics file of a run."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

__all__ = ["Plot", "Series", "draw", "format_number", "group_series", "read_metrics"]

WIDTH, HEIGHT = 520, 250
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 12, 30
# more points than pixels only make the page heavy
MOST_POINTS = 400
# noisier and longer than this, a curve gets a smooth line over its raw values
SMOOTH_FROM = 60
# a spread wider than this is unreadable on a linear axis
LOG_SPREAD = 50.0
SPLIT_ORDER = ("train", "val")


@dataclass
class Series:
    """One column of the metrics file: finite values and the steps they were logged at."""

    name: str
    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    skipped: int = 0
    """Number of logged values that were infinite or not a number."""

    @property
    def split(self) -> str:
        """The part before the slash: ``train`` of ``train/loss_epoch``; empty without a slash."""
        return self.name.partition("/")[0] if "/" in self.name else ""

    @property
    def quantity(self) -> str:
        """The part shared by all splits: ``loss`` of ``train/loss_epoch``."""
        return _without_suffix(self.name.partition("/")[2] or self.name)

    @property
    def colour(self) -> int:
        """Number of the series colour: a split keeps its colour in every plot."""
        return _split_rank(self.split) if self.split else 0

    @property
    def label(self) -> str:
        """Legend entry: the split, with how it was averaged when the name says so."""
        suffix = " (epoch)" if self.name.endswith("_epoch") else ""
        return (self.split or self.quantity) + suffix


@dataclass
class Plot:
    """All series of one quantity, drawn on the same axes."""

    quantity: str
    series: list[Series]


def _without_suffix(name: str) -> str:
    return name.removesuffix("_step").removesuffix("_epoch")


def read_metrics(path: Path) -> dict[str, Series]:
    """Read a metrics file: one row per logged step, one column per metric, empty where not logged.

    A missing file gives an empty dictionary, and a last line cut short by a crash is ignored, so
    that a report can be made of whatever a broken run left.
    """
    if not path.is_file():
        return {}
    series: dict[str, Series] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            step = _number(row.get("step"))
            if step is None or not math.isfinite(step):
                continue
            for name, text in row.items():
                value = _number(text)
                if name in ("step", "epoch", "time", None) or value is None:
                    continue
                column = series.setdefault(name, Series(name))
                if math.isfinite(value):
                    column.steps.append(int(step))
                    column.values.append(value)
                else:
                    column.skipped += 1
    return series


def _number(text: str | list[str] | None) -> float | None:
    if not isinstance(text, str) or not text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        return None


def group_series(series: dict[str, Series]) -> list[Plot]:
    """Put the splits of a quantity together; the loss comes first, test values are left out.

    Where a metric was logged both every step and every epoch, the plot shows both.
    A quantity without at least two points is a number and no curve, and is left out.
    """
    plots: dict[str, Plot] = {}
    for one in series.values():
        if one.split != "test" and one.values:
            plots.setdefault(one.quantity, Plot(one.quantity, [])).series.append(one)
    drawable = [plot for plot in plots.values() if any(len(set(s.steps)) > 1 for s in plot.series)]
    for plot in drawable:
        plot.series.sort(key=lambda s: (_split_rank(s.split), s.name.endswith("_epoch"), s.name))
    return sorted(
        drawable,
        key=lambda plot: (
            plot.quantity != "loss",
            -len({s.split for s in plot.series}),
            plot.quantity,
        ),
    )


def _split_rank(split: str) -> int:
    return SPLIT_ORDER.index(split) if split in SPLIT_ORDER else len(SPLIT_ORDER)


def format_number(value: float) -> str:
    """Four significant digits, without trailing noise: ``0.03142``, ``1200``, ``3e-05``."""
    if value and 1e4 <= abs(value) < 1e7:
        return f"{value:,.0f}"
    return f"{value:.4g}"


@dataclass
class Axis:
    """A linear or logarithmic scale from values to pixels."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def pixel(self, value: float) -> float:
        """Position of ``value`` in pixels."""
        low, high = self._inner(self.low), self._inner(self.high)
        share = (self._inner(value) - low) / (high - low)
        return self.start + share * (self.stop - self.start)

    def _inner(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def ticks(self) -> list[float]:
        """Round values inside the range: 1, 2, 5 times powers of ten."""
        if self.log:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            factors = (1, 2, 5) if len(decades) <= 4 else (1,)
            every = max(1, len(decades) // 6)
            marks = [f * 10.0**d for d in decades[::every] for f in factors]
        else:
            rough = (self.high - self.low) / 5
            size = 10.0 ** math.floor(math.log10(rough))
            size *= next((f for f in (1, 2, 5) if f * size >= rough), 10)
            first = math.ceil(self.low / size)
            # the division keeps 0.3 from becoming 0.30000000000000004
            marks = [round(n * size, 12) for n in range(first, math.floor(self.high / size) + 1)]
        return [mark for mark in marks if self.low <= mark <= self.high]


def _value_axis(values: list[float]) -> Axis:
    low, high = min(values), max(values)
    log = low > 0 and high / low >= LOG_SPREAD
    if log:
        low, high = low / 1.15, high * 1.15
    elif low == high:
        pad = abs(low) * 0.1 or 1.0
        low, high = low - pad, high + pad
    else:
        pad = 0.06 * (high - low)
        low, high = low - pad, high + pad
    return Axis(low, high, HEIGHT - BOTTOM, TOP, log)


def _thin(count: int) -> list[int]:
    """Indices of at most ``MOST_POINTS`` evenly spaced points, both ends kept."""
    if count <= MOST_POINTS:
        return list(range(count))
    return [round(i * (count - 1) / (MOST_POINTS - 1)) for i in range(MOST_POINTS)]


def _smooth(values: list[float]) -> list[float]:
    """Centred moving average over a 25th of the curve, the window cut off at both ends."""
    half = max(1, len(values) // 50)
    sums = [0.0]
    for value in values:
        sums.append(sums[-1] + value)
    ends = [(max(0, i - half), min(len(values), i + half + 1)) for i in range(len(values))]
    return [(sums[stop] - sums[start]) / (stop - start) for start, stop in ends]


def _path(xs: list[float], ys: list[float]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(xs, ys, strict=True))


def draw(plot: Plot) -> str:
    """Draw one quantity as an ``<svg>`` with axes, grid and a line per series.

    The raw values travel in a ``data-series`` attribute, from which the page's script
    shows the numbers under the pointer; without the script the picture is complete.
    """
    steps = [step for one in plot.series for step in one.steps]
    across = Axis(min(steps), max(steps), LEFT, WIDTH - RIGHT)
    up = _value_axis([value for one in plot.series for value in one.values])
    parts = [_grid(across, up)]
    hover = []
    for one in plot.series:
        keep = _thin(len(one.values))
        xs = [across.pixel(one.steps[i]) for i in keep]
        ys = [up.pixel(one.values[i]) for i in keep]
        colour = f"series-{one.colour}"
        if one.name.endswith("_step"):
            colour += " faint"
        if len(keep) == 1:
            parts.append(f'<circle class="{colour} dot" cx="{xs[0]:.1f}" cy="{ys[0]:.1f}" r="3"/>')
        elif len(one.values) > SMOOTH_FROM:
            smooth = _smooth(one.values)
            lines = _path(xs, [up.pixel(smooth[i]) for i in keep])
            parts.append(f'<path class="{colour} raw" d="{_path(xs, ys)}"/>')
            parts.append(f'<path class="{colour}" d="{lines}"/>')
        else:
            parts.append(f'<path class="{colour}" d="{_path(xs, ys)}"/>')
        points = [
            [round(x, 1), round(y, 1), one.steps[i], format_number(one.values[i])]
            for x, y, i in zip(xs, ys, keep, strict=True)
        ]
        hover.append({"label": one.label, "points": points})
    data = escape(json.dumps(hover, separators=(",", ":")))
    scale = "log" if up.log else "linear"
    return (
        f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(plot.quantity)} over steps" '
        f'data-scale="{scale}" data-series="{data}">'
        f"{''.join(parts)}</svg>"
    )


def _grid(across: Axis, up: Axis) -> str:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = []
    for mark in up.ticks():
        y = up.pixel(mark)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(
            f'<text x="{LEFT - 8}" y="{y + 3.5:.1f}" text-anchor="end">{format_number(mark)}</text>'
        )
    for mark in across.ticks():
        if mark == int(mark):
            x = across.pixel(mark)
            parts.append(
                f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 4}"/>'
            )
            parts.append(
                f'<text x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">'
                f"{format_number(mark)}</text>"
            )
    parts.append(f'<line class="axis" x1="{LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>')
    return "".join(parts)
