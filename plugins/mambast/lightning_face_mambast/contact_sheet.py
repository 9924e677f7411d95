"""One picture of all pairs: styles across, contents down, originals on the margins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PIL import Image

__all__ = ["contact_sheet", "thumbnail"]

_GAP = 6
_PAPER = (255, 255, 255)


def thumbnail(image: Image.Image, side: int = 256) -> Image.Image:
    """Fit a picture into a square, keeping its aspect ratio."""
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS)


def contact_sheet(
    contents: Sequence[Image.Image],
    styles: Sequence[Image.Image],
    results: Mapping[tuple[int, int], Image.Image],
    side: int = 256,
) -> Image.Image:
    """Lay out stylised pictures with their originals.

    Args:
        contents: Originals for the left margin.
        styles: Originals for the top margin.
        results: Stylised pictures by place of content and style; missing ones stay white.
        side: Side of a cell in pixels.

    Returns:
        The sheet, one column more than styles and one row more than contents.
    """
    step = side + _GAP
    width, height = (len(styles) + 1) * step + _GAP, (len(contents) + 1) * step + _GAP
    sheet = Image.new("RGB", (width, height), _PAPER)
    cells = {(row + 1, 0): image for row, image in enumerate(contents)}
    cells |= {(0, column + 1): image for column, image in enumerate(styles)}
    cells |= {(row + 1, column + 1): image for (row, column), image in results.items()}
    for (row, column), image in cells.items():
        small = thumbnail(image, side)
        left = column * step + _GAP + (side - small.width) // 2
        top = row * step + _GAP + (side - small.height) // 2
        sheet.paste(small, (left, top))
    return sheet
