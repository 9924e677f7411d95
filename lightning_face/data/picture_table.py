"""Pictures in rows and columns: one sheet to look at, and a page that links to every file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.data.image_folder import read_image

__all__ = ["Cell", "Mark", "PictureTable", "write_overview"]

Mark = Literal["right", "wrong"]

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_GAP, _MARGIN, _HEAD, _CAPTION, _LINE = 8, 16, 30, 22, 19
_PAPER, _INK, _SOFT = (255, 255, 255), (28, 32, 36), (110, 114, 122)
_MARKS: dict[Mark, tuple[int, int, int]] = {"right": (26, 148, 72), "wrong": (214, 86, 76)}
_FRAMES: dict[Mark, int] = {"right": 4, "wrong": 2}
_STYLE_SHEET = """
:root { --page: #fbfbfa; --ink: #1c2024; --soft: #60646c; --line: #e4e4e7; --card: #fff;
  --right: #1a9448; --wrong: #d6564c; }
@media (prefers-color-scheme: dark) {
  :root { --page: #111214; --ink: #edeef0; --soft: #a0a4ab; --line: #2e3035; --card: #191a1d;
    --right: #3ecf76; --wrong: #e5766d; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; }
main { margin: 0 auto; padding: 36px 28px 56px; width: fit-content; max-width: 100%; }
h1 { margin: 0; font-size: 28px; line-height: 1.2; letter-spacing: -.02em; font-weight: 650; }
.lead { margin: 8px 0 0; color: var(--soft); overflow-wrap: anywhere; max-width: 72ch; }
.sheet { margin: 26px 0 0; overflow-x: auto; border: 1px solid var(--line); border-radius: 10px;
  background: var(--card); }
table { border-collapse: separate; border-spacing: 10px; }
th { color: var(--soft); font-weight: 500; font-size: 13px; text-align: center; }
td { vertical-align: top; padding: 0; }
td figure { margin: 0; width: var(--width); }
td img { display: block; width: 100%; height: auto; border-radius: 5px; background: var(--line); }
figcaption { padding-top: 4px; color: var(--soft); font-size: 12.5px; line-height: 1.35;
  overflow-wrap: anywhere; }
img.right { box-shadow: 0 0 0 4px var(--right); }
img.wrong { box-shadow: 0 0 0 2px var(--wrong); }
td.heading { padding: 14px 0 2px; max-width: 0; line-height: 1.45; }
tr:first-child td.heading { padding-top: 2px; }
td.heading div { position: sticky; left: 10px; width: fit-content;
  max-width: min(100%, calc(100vw - 80px)); }
a { color: inherit; }
"""


@dataclass(frozen=True)
class Cell:
    """One picture of a table.

    Attributes:
        file: Its file, relative to the folder of the page.
        caption: A few words below it.
        mark: Whether it is framed as the right answer or a wrong one to a question; None leaves
            it without a frame.
    """

    file: str
    caption: str = ""
    mark: Mark | None = None


@dataclass(frozen=True)
class PictureTable:
    """Pictures in rows and columns.

    Attributes:
        titles: Words above the columns; none leaves no room for them.
        rows: Cells from left to right; None stays empty.
        head: Rows above them that every sheet shows.
        width: Width of a picture in pixels on sheet and page.
        headings: A sentence above each of ``rows``, or none at all; an empty one leaves no room.
    """

    titles: Sequence[str]
    rows: Sequence[Sequence[Cell | None]]
    head: Sequence[Sequence[Cell | None]] = ()
    width: int = 192
    headings: Sequence[str] = ()


def write_overview(
    folder: Path,
    table: PictureTable,
    title: str,
    lead: str,
    shown_rows: int = 12,
) -> list[Path]:
    """Write ``contact_sheet.png`` and ``index.html`` beside pictures that are written already.

    Args:
        folder: Folder of the pictures.
        table: Which pictures, and where they go.
        title: Heading of the page.
        lead: One sentence below it.
        shown_rows: Rows on the sheet, spread over all of them; the page has all.

    Returns:
        The files written.
    """
    count = len(table.rows)
    spread = np.linspace(0, count - 1, min(shown_rows, count)).round().astype(int)
    shown = replace(
        table,
        rows=[table.rows[row] for row in spread],
        headings=[table.headings[row] for row in spread] if table.headings else (),
    )
    sheet = _sheet(folder, shown)
    written = [folder / "contact_sheet.png", folder / "index.html"]
    with atomic_path(written[0]) as temporary:
        sheet.save(temporary, format="PNG")
    with atomic_path(written[1]) as temporary:
        temporary.write_text(_page(table, title, lead, len(spread) == count), encoding="utf-8")
    return written


def _sheet(folder: Path, table: PictureTable) -> Image.Image:
    rows, headings = [*table.head, *table.rows], _headings(table)
    pictures = {
        (row, column): _fit(read_image(folder / cell.file), table.width)
        for row, cells in enumerate(rows)
        for column, cell in enumerate(cells)
        if cell is not None
    }
    width = table.width
    heights = [
        max((picture.height for place, picture in pictures.items() if place[0] == row), default=0)
        for row in range(len(rows))
    ]
    columns = max(len(table.titles), *(len(cells) for cells in rows))
    across = columns * (width + _GAP) - _GAP
    large, small = ImageFont.load_default(14), ImageFont.load_default(12)
    texts = [_wrapped(heading, large, across) for heading in headings]
    spaces = [
        (
            len(text) * _LINE + (_GAP if text else 0),
            _CAPTION if any(cell is not None and cell.caption for cell in cells) else 0,
        )
        for text, cells in zip(texts, rows, strict=True)
    ]
    ends = np.cumsum([h + sum(space) + _GAP for h, space in zip(heights, spaces, strict=True)])
    begin = _MARGIN + (_HEAD if any(table.titles) else 0)
    sheet = Image.new("RGB", (2 * _MARGIN + across, begin + int(ends[-1]) - _GAP + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, title in enumerate(table.titles):
        x = _MARGIN + column * (width + _GAP) + width / 2
        text = _shortened(title, large, width)
        draw.text((x, _MARGIN + _HEAD / 2 - 4), text, _INK, large, anchor="mm")
    for row, lines in enumerate(texts):
        top = begin + int(ends[row - 1] if row else 0)
        for number, line in enumerate(lines):
            place = (_MARGIN, top + _GAP / 2 + number * _LINE + _LINE / 2)
            draw.text(place, line, _INK, large, anchor="lm")
    for (row, column), picture in pictures.items():
        cell = rows[row][column]
        if cell is None:
            continue
        left = _MARGIN + column * (width + _GAP)
        top = begin + int(ends[row - 1] if row else 0) + spaces[row][0]
        if cell.mark is not None:
            frame = _FRAMES[cell.mark]
            right, bottom = left + width + frame - 1, top + picture.height + frame - 1
            draw.rectangle((left - frame, top - frame, right, bottom), fill=_MARKS[cell.mark])
        sheet.paste(picture, (left, top))
        caption = _shortened(cell.caption, small, width)
        draw.text((left + width / 2, top + heights[row] + 12), caption, _SOFT, small, anchor="mm")
    return sheet


def _headings(table: PictureTable) -> list[str]:
    """Return the sentence above each row, those of the head among them."""
    return [""] * len(table.head) + list(table.headings or [""] * len(table.rows))


def _fit(picture: Image.Image, width: int) -> Image.Image:
    size = width, max(1, round(picture.height * width / picture.width))
    # enlarging blurs what is small, such as the masks of small networks
    larger = picture.width < width
    return picture.resize(size, Image.Resampling.NEAREST if larger else Image.Resampling.LANCZOS)


def _shortened(text: str, font: _Font, width: int) -> str:
    """Cut a text off where it would run into its neighbour."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text + "..."


def _wrapped(text: str, font: _Font, width: int) -> list[str]:
    """Break a text into lines between its words."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(_shortened(word, font, width))
    return lines


def _page(table: PictureTable, title: str, lead: str, on_sheet: bool) -> str:
    part = "All" if on_sheet else "Some"
    titles = "".join(f"<th>{escape(each)}</th>" for each in table.titles)
    head = f"<thead><tr>{titles}</tr></thead>\n" if titles else ""
    rows = [*table.head, *table.rows]
    columns = max(len(table.titles), *(len(cells) for cells in rows))
    body = "\n".join(
        _heading(heading, columns) + f"<tr>{''.join(map(_cell, cells))}</tr>"
        for heading, cells in zip(_headings(table), rows, strict=True)
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<style>{_STYLE_SHEET}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
<p class="lead">{escape(lead)} {part} of it is on one <a href="contact_sheet.png">sheet</a>.</p>
<div class="sheet" style="--width:{table.width}px"><table>
{head}<tbody>
{body}
</tbody>
</table></div>
</main>
</body>
</html>
"""


def _heading(text: str, columns: int) -> str:
    if not text:
        return ""
    return f'<tr><td class="heading" colspan="{columns}"><div>{escape(text)}</div></td></tr>\n'


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "<td></td>"
    file, caption = quote(cell.file), escape(cell.caption)
    mark = f' class="{cell.mark}"' if cell.mark else ""
    return (
        f'<td><figure><a href="{file}"><img{mark} src="{file}" alt="{caption}" loading="lazy"></a>'
        f"<figcaption>{caption}</figcaption></figure></td>"
    )
