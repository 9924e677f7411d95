"""The report of a run as one HTML page that needs nothing beside itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from string import Template

from lightning_face.callbacks.report.curves import (
    Plot,
    Series,
    draw,
    format_number,
    group_series,
)
from lightning_face.callbacks.report.pictures import Picture

__all__ = ["RunSummary", "format_duration", "render"]

NARROW = 360
"""Pictures up to this many pixels wide stand side by side."""


@dataclass
class RunSummary:
    """Everything the page shows.

    Attributes:
        experiment: Name of the experiment.
        lead: One sentence under the title.
        status: How the run ended, a word or two.
        trouble: Error message of a run that failed, else ``None``.
        version: Version of the core.
        written: Time of writing, as text.
        facts: Key numbers, name to text.
        series: Logged metrics by name.
        test: Test metrics, name to value.
        pictures: Sample pictures by group, in step order.
        config: Text of the run's configuration, empty if there is none.
        command: Command line, empty if unknown.
        environment: Versions and hardware, name to text.
    """

    experiment: str
    lead: str
    status: str
    trouble: str | None
    version: str
    written: str
    facts: dict[str, str] = field(default_factory=dict)
    series: dict[str, Series] = field(default_factory=dict)
    test: dict[str, float] = field(default_factory=dict)
    pictures: dict[str, list[Picture]] = field(default_factory=dict)
    config: str = ""
    command: str = ""
    environment: dict[str, str] = field(default_factory=dict)


def format_duration(seconds: float) -> str:
    """Two largest units: ``41 s``, ``3 min 20 s``, ``2 h 5 min``, ``3 d 4 h``."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"


def render(run: RunSummary) -> str:
    """Return the page as text: style, script, curves and pictures are all inside."""
    sections = [
        _test(run.test),
        _samples(run.pictures),
        _curves(group_series(run.series)),
        _metrics(run.series.values()),
        _code("Command", run.command),
        _pairs("Environment", run.environment),
        _folded("Configuration", run.config),
    ]
    trouble = f'<p class="trouble">{escape(run.trouble)}</p>\n' if run.trouble else ""
    return Template(_template("report.html")).substitute(
        title=f"{escape(run.experiment)} &middot; lightning-face",
        version=escape(run.version),
        experiment=escape(run.experiment),
        status=escape(run.status),
        status_class="bad" if run.trouble else "good",
        lead=escape(run.lead),
        trouble=trouble,
        facts="".join(
            f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>\n"
            for name, value in run.facts.items()
        ),
        sections="".join(sections),
        written=escape(run.written),
        style=_template("report.css"),
        script=_template("report.js"),
    )


def _template(name: str) -> str:
    folder = files("lightning_face.callbacks.report") / "templates"
    return (folder / name).read_text(encoding="utf-8")


def _test(metrics: Mapping[str, float]) -> str:
    if not metrics:
        return ""
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{format_number(value)}</td></tr>\n"
        for name, value in metrics.items()
    )
    return (
        '<section id="test"><h2>Test</h2><div class="card scroll"><table class="headline">\n'
        f"<thead><tr><th>Metric</th><th>Value</th></tr></thead><tbody>\n{rows}</tbody></table>"
        "</div></section>\n"
    )


def _curves(plots: list[Plot]) -> str:
    if not plots:
        return ""
    cards = "".join(_card(plot) for plot in plots)
    return f'<section id="curves"><h2>Curves</h2><div class="curves">\n{cards}</div></section>\n'


def _card(plot: Plot) -> str:
    picture = draw(plot)
    keys = ""
    if len(plot.series) > 1 or plot.series[0].split:
        keys = "".join(
            f'<span class="key series-{one.colour}">{escape(one.label)}</span>'
            for one in plot.series
        )
    skipped = sum(one.skipped for one in plot.series)
    note = f" &middot; {skipped} non-finite left out" if skipped else ""
    scale = "log scale" if 'data-scale="log"' in picture else ""
    return (
        f'<div class="card plot"><div class="plot-head"><h3>{escape(plot.quantity)}</h3>{keys}'
        f'<span class="small scale">{scale}{note}</span></div>{picture}</div>\n'
    )


def _metrics(series: Iterable[Series]) -> str:
    rows = []
    for one in series:
        if not one.values or one.split == "test":
            continue
        low = min(range(len(one.values)), key=one.values.__getitem__)
        high = max(range(len(one.values)), key=one.values.__getitem__)
        extremes = "".join(
            f"<td>{format_number(one.values[i])} "
            f'<span class="small">step {one.steps[i]:,}</span></td>'
            for i in (low, high)
        )
        rows.append(
            f"<tr><td>{escape(one.name)}</td><td>{format_number(one.values[0])}</td>"
            f"<td><b>{format_number(one.values[-1])}</b></td>{extremes}</tr>\n"
        )
    if not rows:
        return ""
    return (
        '<section id="metrics"><h2>Metrics</h2><div class="card scroll"><table>\n'
        "<thead><tr><th>Metric</th><th>First</th><th>Last</th><th>Lowest</th><th>Highest</th>"
        f"</tr></thead><tbody>\n{''.join(rows)}</tbody></table></div></section>\n"
    )


def _samples(pictures: Mapping[str, list[Picture]]) -> str:
    if not pictures:
        return ""
    blocks = []
    for group, members in pictures.items():
        wide = members[-1].width > NARROW
        # a wide newest picture is shown large, above those that led to it
        ordered = [members[-1], *members[:-1]] if wide else members
        figures = "".join(
            _figure(picture, large=wide and picture is members[-1]) for picture in ordered
        )
        title = f"<h3>{escape(group)}</h3>" if len(pictures) > 1 else ""
        blocks.append(
            f'<div class="card samples">{title}<div class="strip">\n{figures}</div></div>\n'
        )
    return f'<section id="samples"><h2>Samples</h2>\n{"".join(blocks)}</section>\n'


def _figure(picture: Picture, large: bool) -> str:
    when = picture.path if picture.step is None else f"step {picture.step:,}"
    kind = ' class="large"' if large else ""
    if not picture.uri:
        caption = f"{picture.path} could not be read"
        return f"<figure{kind}><figcaption>{escape(caption)}</figcaption></figure>\n"
    crisp = ' class="pixels"' if max(picture.width, picture.height) <= 128 else ""
    return (
        f'<figure{kind}><img{crisp} src="{picture.uri}" width="{picture.width}" '
        f'height="{picture.height}" alt="{escape(picture.group)}, {escape(when)}">'
        f"<figcaption>{escape(when)}</figcaption></figure>\n"
    )


def _pairs(title: str, pairs: Mapping[str, str]) -> str:
    if not pairs:
        return ""
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>\n"
        for name, value in pairs.items()
    )
    return (
        f'<section id="{title.lower()}"><h2>{title}</h2><div class="card scroll">'
        f'<table class="pairs"><tbody>\n{rows}</tbody></table></div></section>\n'
    )


def _code(title: str, text: str) -> str:
    if not text:
        return ""
    return (
        f'<section id="{title.lower()}"><h2>{title}</h2>'
        f'<pre class="command">{escape(text.strip())}</pre></section>\n'
    )


def _folded(title: str, text: str) -> str:
    if not text:
        return ""
    return (
        f'<details id="{title.lower()}"><summary><h2>{title}</h2></summary>'
        f"<pre>{_colour_yaml(text.rstrip())}</pre></details>\n"
    )


def _colour_yaml(text: str) -> str:
    lines = []
    for line in escape(text).splitlines():
        if line.lstrip().startswith("#"):
            lines.append(f"<i>{line}</i>")
        else:
            lines.append(re.sub(r"^(\s*(?:- )?)([\w./-]+)(?=:(?:\s|$))", r"\1<b>\2</b>", line))
    return "\n".join(lines)
