"""Pictures in rows and columns: one sheet to look at, and a page that links to every file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from urllib.parse import quote

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.data.image_folder import read_image

__all__ = ["Cell", "PictureTable", "write_overview"]

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_GAP, _MARGIN, _HEAD, _CAPTION = 8, 16, 30, 22
_PAPER, _INK, _SOFT = (255, 255, 255), (28, 32, 36), (110, 114, 122)
_STYLE_SHEET = """
:root { --page: #fbfbfa; --ink: #1c2024; --soft: #60646c; --line: #e4e4e7; --card: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --page: #111214; --ink: #edeef0; --soft: #a0a4ab; --line: #2e3035; --card: #191a1d; }
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
a { color: inherit; }
"""


@dataclass(frozen=True)
class Cell:
    """One picture of a table.

    Attributes:
        file: Its file, relative to the folder of the page.
        caption: A few words below it.
    """

    file: str
    caption: str = ""


@dataclass(frozen=True)
class PictureTable:
    """Pictures in rows and columns.

    Attributes:
        titles: Words above the columns.
        rows: Cells from left to right; None stays empty.
        head: Rows above them that every sheet shows.
        width: Width of a picture in pixels on sheet and page.
    """

    titles: Sequence[str]
    rows: Sequence[Sequence[Cell | None]]
    head: Sequence[Sequence[Cell | None]] = ()
    width: int = 192


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
    shown = [*table.head, *(table.rows[row] for row in spread)]
    sheet = _sheet(folder, replace(table, rows=shown))
    written = [folder / "contact_sheet.png", folder / "index.html"]
    with atomic_path(written[0]) as temporary:
        sheet.save(temporary, format="PNG")
    with atomic_path(written[1]) as temporary:
        temporary.write_text(_page(table, title, lead), encoding="utf-8")
    return written


def _sheet(folder: Path, table: PictureTable) -> Image.Image:
    pictures = {
        (row, column): _fit(read_image(folder / cell.file), table.width)
        for row, cells in enumerate(table.rows)
        for column, cell in enumerate(cells)
        if cell is not None
    }
    width = table.width
    heights = [
        max((picture.height for place, picture in pictures.items() if place[0] == row), default=0)
        for row in range(len(table.rows))
    ]
    columns = max(len(table.titles), *(len(cells) for cells in table.rows))
    captions = [
        _CAPTION if any(cell is not None and cell.caption for cell in cells) else 0
        for cells in table.rows
    ]
    tops = np.cumsum(
        [_MARGIN + _HEAD, *(h + c + _GAP for h, c in zip(heights, captions, strict=True))]
    )
    size = 2 * _MARGIN + columns * (width + _GAP) - _GAP, int(tops[-1]) - _GAP + _MARGIN
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    large, small = ImageFont.load_default(14), ImageFont.load_default(12)
    for column, title in enumerate(table.titles):
        x = _MARGIN + column * (width + _GAP) + width / 2
        text = _shortened(draw, title, large, width)
        draw.text((x, _MARGIN + _HEAD / 2 - 4), text, _INK, large, anchor="mm")
    for (row, column), picture in pictures.items():
        left, top = _MARGIN + column * (width + _GAP), int(tops[row])
        sheet.paste(picture, (left, top))
        cell = table.rows[row][column]
        caption = _shortened(draw, "" if cell is None else cell.caption, small, width)
        draw.text((left + width / 2, top + heights[row] + 10), caption, _SOFT, small, anchor="mm")
    return sheet


def _fit(picture: Image.Image, width: int) -> Image.Image:
    size = width, max(1, round(picture.height * width / picture.width))
    # enlarging blurs what is small, such as the masks of small networks
    larger = picture.width < width
    return picture.resize(size, Image.Resampling.NEAREST if larger else Image.Resampling.LANCZOS)


def _shortened(draw: ImageDraw.ImageDraw, text: str, font: _Font, width: int) -> str:
    """Cut a text off where it would run into its neighbour."""
    if draw.textlength(text, font) <= width:
        return text
    while text and draw.textlength(text + "...", font) > width:
        text = text[:-1]
    return text + "..."


def _page(table: PictureTable, title: str, lead: str) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in table.titles)
    rows = [*table.head, *table.rows]
    body = "\n".join(f"<tr>{''.join(map(_cell, cells))}</tr>" for cells in rows)
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
<p class="lead">{escape(lead)} Some of it is on one <a href="contact_sheet.png">sheet</a>.</p>
<div class="sheet" style="--width:{table.width}px"><table>
<thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody>
</table></div>
</main>
</body>
</html>
"""


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "<td></td>"
    file, caption = quote(cell.file), escape(cell.caption)
    return (
        f'<td><figure><a href="{file}"><img src="{file}" alt="{caption}" loading="lazy"></a>'
        f"<figcaption>{caption}</figcaption></figure></td>"
    )
