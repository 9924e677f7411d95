"""The frame of every page: one file, dark or light as the reader's screen, nothing to load."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from lightning_face_eventvit.predictions.names import RankedClass, readable_name

__all__ = ["bars", "percent", "render_page"]

_STYLE = """
:root {
  --page: #fbfbfa; --card: #fff; --ink: #1c2024; --soft: #60646c; --faint: #8b8d98;
  --line: #e4e4e7; --track: #ededf0; --bar: #b9c7dd; --first: #2563c9;
  --good: #18794e; --bad: #b42318;
  --c0: #2563c9; --c1: #d9670b; --c2: #2e8b57; --c3: #8e4ec6; --c4: #c2255c; --c5: #0b7c8a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #111214; --card: #191a1d; --ink: #edeef0; --soft: #b0b4ba; --faint: #7f838b;
    --line: #2e3035; --track: #26282c; --bar: #48556b; --first: #6ea8ff;
    --good: #6fd4a0; --bad: #ff9a8b;
    --c0: #6ea8ff; --c1: #ff9d52; --c2: #63c995; --c3: #c79bf2; --c4: #ff7fa8; --c5: #4fc6d4;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink); font-variant-numeric: tabular-nums;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif;
}
main { max-width: 1180px; margin: 0 auto; padding: 40px 28px 64px; }
.kicker { margin: 0 0 4px; color: var(--faint); font-size: 13px; }
h1 { margin: 0; font-size: 30px; line-height: 1.2; letter-spacing: -.02em; font-weight: 650; }
h2 { margin: 40px 0 14px; font-size: 18px; font-weight: 620; overflow-wrap: anywhere; }
.lead { margin: 8px 0 0; color: var(--soft); overflow-wrap: anywhere; }
.facts {
  display: flex; flex-wrap: wrap; gap: 1px;
  margin: 24px 0 28px; background: var(--line); border: 1px solid var(--line);
  border-radius: 10px; overflow: hidden;
}
.facts div { flex: 1 1 auto; min-width: 130px; background: var(--card); padding: 11px 16px; }
.facts dt { color: var(--faint); font-size: 12.5px; }
.facts dd { margin: 1px 0 0; font-size: 16px; font-weight: 560; overflow-wrap: anywhere; }
.card {
  margin: 0 0 14px; padding: 14px 16px; background: var(--card); border: 1px solid var(--line);
  border-radius: 10px;
}
.clip { display: grid; grid-template-columns: minmax(0, 1fr) minmax(320px, 410px); gap: 8px 22px; }
.clip header {
  grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: 2px 14px; align-items: baseline;
  font-size: 13.5px; color: var(--soft);
}
.clip header b { color: var(--ink); font-weight: 600; overflow-wrap: anywhere; }
.clip header .truth { margin-left: auto; font-weight: 600; }
.right .truth { color: var(--good); } .wrong .truth { color: var(--bad); }
.strips { display: grid; grid-template-columns: minmax(0, 1fr); gap: 4px; align-content: center; }
.strip { display: flex; gap: 4px; }
.strip img { display: block; flex: 1 1 0; min-width: 0; max-width: 132px; border-radius: 4px; }
.found { align-self: center; min-width: 0; }
.bars { margin: 0; padding: 0; list-style: none; font-size: 13.5px; }
.bars li {
  display: grid; grid-template-columns: minmax(0, 1fr) 38% 3.2em; gap: 10px; align-items: center;
  padding: 2px 0; color: var(--soft);
}
.bars .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.bars .track { height: 9px; border-radius: 5px; background: var(--track); overflow: hidden; }
.bars i { display: block; height: 100%; border-radius: 5px; background: var(--bar); }
.bars .value { text-align: right; }
.bars li:first-child { color: var(--ink); font-weight: 600; }
.bars li:first-child i { background: var(--first); }
.right .bars .true i { background: var(--good); }
.wrong .bars li:first-child i { background: var(--bad); }
.wrong .bars .true i { background: var(--good); }
.strip.timeline { padding: 10px 8px 2px 44px; min-width: 640px; gap: 3px; }
.filter { display: inline-flex; gap: 8px; margin: 0 0 14px; color: var(--soft); cursor: pointer; }
main:has(#only-wrong:checked) .right { display: none; }
.plot { overflow-x: auto; }
.plot svg { display: block; width: 100%; min-width: 640px; height: auto; }
svg text { fill: var(--soft); font-size: 12px; font-family: inherit; }
svg .grid { stroke: var(--line); } svg .curve { fill: none; stroke-width: 2; }
svg .label { fill: var(--card); font-weight: 600; }
svg.tracks { display: block; width: 100%; height: auto; margin-top: 6px; }
.c0 { --color: var(--c0); } .c1 { --color: var(--c1); } .c2 { --color: var(--c2); }
.c3 { --color: var(--c3); } .c4 { --color: var(--c4); } .c5 { --color: var(--c5); }
.rest { --color: var(--faint); }
svg .curve { stroke: var(--color); } svg .area, svg .segment { fill: var(--color); }
svg .area { opacity: .1; } svg .fitted { stroke: var(--faint); stroke-dasharray: 4 3; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 0 0 10px; font-size: 13px; }
.legend span::before {
  content: ""; display: inline-block; width: 14px; height: 3px; margin-right: 7px;
  border-radius: 2px; vertical-align: 3px; background: var(--color);
}
table { border-collapse: collapse; width: 100%; }
th, td { padding: 7px 12px; border-top: 1px solid var(--line); text-align: right; }
th { color: var(--faint); font-weight: 500; font-size: 13px; }
th:first-child, td:first-child { text-align: left; }
thead th { border-top: 0; }
footer { margin-top: 44px; color: var(--faint); font-size: 12.5px; }
@media (max-width: 760px) {
  main { padding: 22px 14px 40px; }
  .clip { grid-template-columns: 1fr; }
}
"""


def render_page(title: str, lead: str, facts: Mapping[str, str], body: str) -> str:
    """Return a page as text.

    Args:
        title: Heading.
        lead: One sentence below it.
        facts: Key figures by their names.
        body: Inner HTML, escaped by the caller.
    """
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>\n"
        for name, value in facts.items()
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<style>{_STYLE}</style>
</head>
<body>
<main>
<p class="kicker">lightning-face &middot; eventvit</p>
<h1>{escape(title)}</h1>
<p class="lead">{escape(lead)}</p>
<dl class="facts">
{rows}</dl>
{body}
<footer>This page is one file and loads nothing from elsewhere.</footer>
</main>
</body>
</html>
"""


def bars(ranked: Iterable[RankedClass], label: str | None = None) -> str:
    """Draw classes with bars of their probabilities.

    Args:
        ranked: Classes, most probable first.
        label: The true class, which is marked, where it is known.
    """
    rows = []
    for name, probability in ranked:
        text = escape(readable_name(name))
        mark = ' class="true"' if name == label else ""
        rows.append(
            f'<li{mark}><span class="name" title="{text}">{text}</span>'
            f'<span class="track"><i style="width:{100 * probability:.1f}%"></i></span>'
            f'<span class="value">{percent(probability)}</span></li>'
        )
    return f'<ol class="bars">{"".join(rows)}</ol>' if rows else ""


def percent(share: float) -> str:
    """Write a share in 0..1 as ``93 %``; below half a percent as ``<1 %``."""
    return "<1 %".replace("<", "&lt;") if 0 < share < 0.005 else f"{100 * share:.0f} %"
