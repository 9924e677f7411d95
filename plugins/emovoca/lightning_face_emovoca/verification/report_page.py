"""The report of a verification as one HTML page that needs nothing beside itself."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightning_face_emovoca.verification.distribution_plot import draw_distribution
from lightning_face_emovoca.verification.findings import Finding, confusions
from lightning_face_emovoca.verification.report_style import STYLE
from lightning_face_emovoca.verification.settings import Measure, VerificationSettings
from lightning_face_emovoca.verification.unit_measures import UnitMeasures

__all__ = ["ReportPicture", "VerificationReport", "render_report"]

_EXAMPLES = 40


@dataclass(frozen=True, eq=False)
class ReportPicture:
    """A picture of a variant that is the worst by some measure.

    Attributes:
        title: The measures by which it is.
        caption: Which variant, and its values.
        picture: RGB ``(height, width, 3)``.
        sound: Whether its values are within the limits.
    """

    title: str
    caption: str
    picture: NDArray[np.uint8]
    sound: bool


@dataclass(frozen=True, eq=False)
class VerificationReport:
    """Everything that the page shows.

    Attributes:
        name: What was verified.
        emotions: Names of the emotions.
        intensities: Strengths of the expressions.
        settings: The limits.
        units: Measures of all sentences.
        findings: Everything that is wrong.
        facts: Key figures by their names.
        pictures: The worst variants.
        provenance: What the data set was made of and with, by name.
    """

    name: str
    emotions: Sequence[str]
    intensities: Sequence[float]
    settings: VerificationSettings
    units: Sequence[UnitMeasures]
    findings: Sequence[Finding]
    facts: Mapping[str, str] = field(default_factory=dict)
    pictures: Sequence[ReportPicture] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)


def render_report(report: VerificationReport) -> str:
    """Return the page as text: style, plots and pictures are all inside."""
    count = len(report.findings)
    status = '<span class="status good">sound</span>'
    lead = "Lips and expressions survive, surfaces stay whole: all values are within their limits."
    if count:
        kinds = len({finding.kind for finding in report.findings})
        status = '<span class="status bad">not sound</span>'
        lead = (
            f"{_plural(count, 'failure')} of {_plural(kinds, 'kind')}; the first of each is below."
        )
    facts = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>\n"
        for name, value in report.facts.items()
    )
    sections = [
        _failures(report.findings),
        _pictures(report.pictures),
        _distributions(report),
        _confusion(report),
        _talking(report.units),
        _limits(report),
        _pairs("Provenance", report.provenance),
    ]
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{escape(report.name)}: verification</title>
<link rel="icon" href="data:,">
<style>{STYLE}</style>
</head>
<body>
<main>
<p class="kicker">lightning-face &middot; emovoca verify</p>
<h1>{escape(report.name)} {status}</h1>
<p class="lead">{lead}</p>
<dl class="facts">
{facts}</dl>
{"".join(sections)}<footer>This page is one file and loads nothing from elsewhere.</footer>
</main>
</body>
</html>
"""


def _plural(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _failures(findings: Sequence[Finding]) -> str:
    kinds: dict[str, list[Finding]] = {}
    for finding in findings:
        kinds.setdefault(finding.kind, []).append(finding)
    blocks = []
    for kind, found in kinds.items():
        rows = "".join(
            f"<li><code>{escape(each.place)}</code> {escape(each.what)}</li>"
            for each in found[1:_EXAMPLES]
        )
        if len(found) > _EXAMPLES:
            rows += f"<li>and {len(found) - _EXAMPLES:,} more</li>"
        first = (
            f'<b>{escape(kind)}</b> <span class="count">{len(found):,}</span>'
            f"<p><code>{escape(found[0].place)}</code> {escape(found[0].what)}</p>"
        )
        more = f"<details><summary>all others</summary><ul>{rows}</ul></details>" if rows else ""
        blocks.append(f'<div class="card failure">{first}{more}</div>\n')
    return f"<section><h2>Failures</h2>\n{''.join(blocks)}</section>\n" if blocks else ""


def _pictures(pictures: Sequence[ReportPicture]) -> str:
    if not pictures:
        return ""
    figures = "".join(
        f'<figure class="card"><img src="{_uri(each.picture)}" width="{each.picture.shape[1]}" '
        f'height="{each.picture.shape[0]}" alt="{escape(each.caption)}">'
        f'<figcaption><b class="{"good" if each.sound else "bad"}">{escape(each.title)}</b>'
        f"<br>{escape(each.caption)}</figcaption></figure>\n"
        for each in pictures
    )
    return (
        '<section><h2>The worst of each measure</h2>\n<p class="note">Source, mixture, and how '
        f'far they are apart, at the frame named.</p>\n<div class="worst">\n{figures}</div>'
        "</section>\n"
    )


def _uri(picture: NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def _stacked(units: Sequence[UnitMeasures], name: str) -> NDArray[np.float64]:
    return np.stack([unit.values[name] for unit in units])


def _distributions(report: VerificationReport) -> str:
    if not report.units:
        return ""
    cards = []
    for measure in report.settings.measures():
        values = _stacked(report.units, measure.name)
        plot = draw_distribution(measure, values, report.emotions, report.intensities)
        if not plot:
            continue
        outside = _outside(measure, values)
        mark = f'<span class="bad">{outside:,} outside</span>' if outside else ""
        unit = f", {measure.unit}" if measure.unit else ""
        cards.append(
            f'<div class="card plot"><h3>{escape(measure.title)}{escape(unit)} {mark}</h3>'
            f'<p class="small">{escape(measure.explanation)} Sound: {escape(measure.limits)}.</p>'
            f"{plot}</div>\n"
        )
    keys = "".join(
        f'<span class="key i{place % 3}">intensity {strength:g}</span>'
        for place, strength in enumerate(report.intensities)
    )
    return (
        '<section><h2>Distributions</h2>\n<p class="note">Bars: all variants. Lines: range, nine '
        "tenths and median of each emotion at each intensity.</p>\n"
        f'<p class="note">{keys}</p><div class="plots">\n{"".join(cards)}</div></section>\n'
    )


def _outside(measure: Measure, values: NDArray[np.float64]) -> int:
    return sum(not measure.is_sound(float(each)) for each in values.flat)


def _confusion(report: VerificationReport) -> str:
    counts = confusions(report.units, len(report.emotions))
    total = counts.sum(axis=1, keepdims=True)
    if not total.any():
        return ""
    shares = counts / np.maximum(total, 1)
    head = "".join(f"<th>{escape(name)}</th>" for name in report.emotions)
    rows = []
    for index, name in enumerate(report.emotions):
        cells = "".join(
            f'<td class="{"own" if index == other else "other"}" '
            f'style="--share:{100 * share:.1f}%">{_percent(share)}</td>'
            for other, share in enumerate(shares[index])
        )
        rows.append(f"<tr><th>{escape(name)}</th>{cells}</tr>\n")
    right = np.trace(counts) / counts.sum()
    return (
        f'<section><h2>Expressions told apart</h2>\n<p class="note">{100 * right:.1f} % of all '
        "variants are nearest to the model of their own expression. Rows: expression meant; "
        "columns: model that is nearest, share of the row.</p>\n"
        f'<div class="card scroll"><table class="confusion"><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>\n{''.join(rows)}</tbody></table></div></section>\n"
    )


def _percent(share: float) -> str:
    return "" if share == 0 else f"{100 * share:.0f}"


def _talking(units: Sequence[UnitMeasures]) -> str:
    by_actor: dict[str, list[UnitMeasures]] = {}
    for unit in units:
        by_actor.setdefault(unit.name.partition("/")[0], []).append(unit)
    rows = []
    for actor, members in by_actor.items():
        error, lips, follows = (
            [member.talking.get(name, float("nan")) for member in members]
            for name in ("error", "lip_error", "correlation")
        )
        rows.append(
            f"<tr><th>{escape(actor)}</th><td>{len(members)}</td>"
            f"<td>{1e3 * np.mean(error):.3f}</td><td>{1e6 * np.mean(lips):.3f}</td>"
            f"<td>{np.nanmin(follows) if np.isfinite(follows).any() else np.nan:.3f}</td></tr>\n"
        )
    if not rows:
        return ""
    return (
        '<section><h2>What the network loses of speech</h2>\n<p class="note">The mixture without '
        "any expression against the source, which is the floor of the errors of its lips.</p>\n"
        '<div class="card scroll"><table><thead><tr><th>Actor</th><th>Sentences</th>'
        "<th>Mean vertex error, mm</th><th>Lip vertex error, mm&sup2;</th>"
        f"<th>Least lip correlation</th></tr></thead><tbody>\n{''.join(rows)}</tbody></table></div>"
        "</section>\n"
    )


def _limits(report: VerificationReport) -> str:
    rows = []
    for measure in report.settings.measures():
        values = _stacked(report.units, measure.name) if report.units else np.zeros(0)
        finite = values[np.isfinite(values)]
        cells = "".join(f"<td>{measure.show(each)}</td>" for each in _quantiles(finite))
        rows.append(
            f"<tr><th>{escape(measure.title)}</th><td>{escape(measure.limits)}</td>{cells}"
            f"<td>{_outside(measure, values):,}</td></tr>\n"
        )
    return (
        '<section><h2>Limits</h2>\n<div class="card scroll"><table><thead><tr><th>Measure</th>'
        "<th>Sound</th><th>Lowest</th><th>5 %</th><th>Median</th><th>95 %</th><th>Highest</th>"
        f"<th>Outside</th></tr></thead><tbody>\n{''.join(rows)}</tbody></table></div></section>\n"
    )


def _quantiles(finite: NDArray[np.float64]) -> list[float]:
    if not len(finite):
        return [float("nan")] * 5
    return [float(each) for each in np.quantile(finite, [0, 0.05, 0.5, 0.95, 1])]


def _pairs(title: str, pairs: Mapping[str, str]) -> str:
    if not pairs:
        return ""
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>\n"
        for name, value in pairs.items()
    )
    return (
        f'<section><h2>{title}</h2><div class="card scroll"><table class="pairs"><tbody>\n'
        f"{rows}</tbody></table></div></section>\n"
    )
