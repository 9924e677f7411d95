"""How the report of a verification looks, light or dark as the reader's screen."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root {
  --page: #fbfbfa; --card: #fff; --ink: #1c2024; --soft: #60646c; --faint: #8b8d98;
  --line: #e4e4e7; --grid: #eeeef0; --bar: #c3ccd9; --code: #f4f4f5; --cell: 37 99 201;
  --good: #18794e; --good-back: #e3f5ea; --bad: #b42318; --bad-back: #fdecea;
  --i0: #e0a02a; --i1: #d9580b; --i2: #9c1f5e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #111214; --card: #191a1d; --ink: #edeef0; --soft: #b0b4ba; --faint: #7f838b;
    --line: #2e3035; --grid: #26282c; --bar: #48515f; --code: #212226; --cell: 110 168 255;
    --good: #6fd4a0; --good-back: #15301f; --bad: #ff9a8b; --bad-back: #3a1a17;
    --i0: #f5c766; --i1: #ff9550; --i2: #ec6fae;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink); font-variant-numeric: tabular-nums;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif;
}
main { max-width: 1180px; margin: 0 auto; padding: 40px 28px 64px; }
.kicker { margin: 0 0 4px; color: var(--faint); font-size: 13px; }
h1 { margin: 0; font-size: 30px; line-height: 1.2; letter-spacing: -.02em; font-weight: 650;
  overflow-wrap: anywhere; }
h2 { margin: 42px 0 12px; font-size: 18px; font-weight: 620; }
h3 { margin: 0; font-size: 14px; font-weight: 600; }
.lead { margin: 8px 0 0; color: var(--soft); }
.note { margin: -6px 0 14px; color: var(--soft); font-size: 13.5px; max-width: 90ch; }
.status { display: inline-block; vertical-align: 5px; margin-left: 8px; padding: 3px 10px;
  border-radius: 99px; font-size: 12.5px; font-weight: 600; letter-spacing: 0; line-height: 1.4; }
.status.good { background: var(--good-back); } .status.bad { background: var(--bad-back); }
.good { color: var(--good); } .bad { color: var(--bad); }
.facts { display: flex; flex-wrap: wrap; gap: 1px; margin: 24px 0 0; background: var(--line);
  border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
.facts div { flex: 1 1 auto; min-width: 130px; background: var(--card); padding: 11px 16px; }
.facts dt { color: var(--faint); font-size: 12.5px; }
.facts dd { margin: 1px 0 0; font-size: 16px; font-weight: 560; overflow-wrap: anywhere; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.scroll { overflow-x: auto; }
.failure { margin: 0 0 10px; padding: 12px 16px; border-left: 3px solid var(--bad); }
.failure p { margin: 4px 0 0; overflow-wrap: anywhere; }
.failure .count { padding: 1px 8px; border-radius: 99px; font-size: 12.5px; font-weight: 600;
  color: var(--bad); background: var(--bad-back); }
.failure details { margin-top: 6px; color: var(--soft); font-size: 13.5px; }
.failure summary { cursor: pointer; } .failure ul { margin: 6px 0 0; padding-left: 18px; }
code { padding: 1px 5px; border-radius: 5px; background: var(--code); overflow-wrap: anywhere;
  font: 12.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.worst { display: grid; grid-template-columns: repeat(auto-fill, minmax(480px, 1fr)); gap: 14px; }
figure { margin: 0; overflow: hidden; }
figure img { display: block; width: 100%; height: auto; }
figcaption { padding: 10px 14px 12px; font-size: 13px; color: var(--soft);
  overflow-wrap: anywhere; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(480px, 1fr)); gap: 14px; }
.plot { padding: 14px 14px 6px; }
.plot h3 span { float: right; font-size: 12.5px; }
.small { margin: 2px 0 8px; color: var(--faint); font-size: 12.5px; }
svg.spread { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font-size: 11px; font-family: inherit; }
svg .grid { stroke: var(--grid); } svg .axis { stroke: var(--line); }
svg .bar { fill: var(--bar); } svg .unsound { fill: var(--bad); opacity: .08; }
svg .limit { stroke: var(--bad); stroke-dasharray: 4 3; }
.i0 { --colour: var(--i0); } .i1 { --colour: var(--i1); } .i2 { --colour: var(--i2); }
svg .all { stroke: var(--colour); stroke-width: 1; opacity: .6; }
svg .most { stroke: var(--colour); stroke-width: 2.6; stroke-linecap: round; }
svg circle { fill: var(--colour); stroke: var(--card); stroke-width: 1; }
.key { margin-right: 16px; white-space: nowrap; }
.key::before { content: ""; display: inline-block; width: 14px; height: 3px; border-radius: 2px;
  margin-right: 6px; vertical-align: 3px; background: var(--colour); }
table { border-collapse: collapse; width: 100%; }
th, td { padding: 7px 14px; border-top: 1px solid var(--line); text-align: right;
  white-space: nowrap; }
th { color: var(--faint); font-weight: 500; font-size: 13px; }
th:first-child, td:first-child { text-align: left; }
thead th { border-top: 0; }
table.pairs td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
table.pairs th { width: 200px; text-align: left; vertical-align: top; }
table.pairs tr:first-child > * { border-top: 0; }
.confusion th, .confusion td { padding: 6px 8px; text-align: center; font-size: 12.5px; }
.confusion tbody th { text-align: left; }
.confusion td { min-width: 3.4em; background: rgb(var(--cell) / calc(var(--share) * .55)); }
.confusion .other { --cell: 217 88 11; }
footer { margin-top: 44px; color: var(--faint); font-size: 12.5px; }
@media (max-width: 560px) {
  main { padding: 22px 14px 40px; }
  .worst, .plots { grid-template-columns: 1fr; }
}
@media print { figure, .plot, tr { break-inside: avoid; } }
"""
