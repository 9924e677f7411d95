"""The confusion matrix as a picture."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw
from torch import Tensor

__all__ = ["draw_confusion"]

_CELL = 28
_MARGIN = 8
_PAPER, _INK, _GRID = (255, 255, 255), (30, 30, 30), (225, 225, 225)
_RIGHT, _WRONG = (38, 120, 70), (190, 60, 45)


def draw_confusion(confusion: Tensor, class_names: Sequence[str]) -> Image.Image:
    """Draw counts of clips, one row for each true class and one column for each predicted one.

    A cell is the darker the larger its part of the row; the diagonal is green, mistakes are red.

    Args:
        confusion: Counts ``(classes, classes)``, rows true and columns predicted.
        class_names: Names of the classes in label order.
    """
    count = len(class_names)
    ruler = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    label = max(int(ruler.textlength(name)) for name in class_names) + 2 * _MARGIN
    side = label + count * _CELL + _MARGIN
    picture = Image.new("RGB", (side, side), _PAPER)
    draw = ImageDraw.Draw(picture)
    totals = confusion.sum(dim=1).clamp(min=1)
    for row, name in enumerate(class_names):
        y = label + row * _CELL
        draw.text((label - _MARGIN, y + _CELL // 2), name, fill=_INK, anchor="rm")
        _write_upwards(picture, name, y + _CELL // 2, label - _MARGIN)
        for column in range(count):
            clips = int(confusion[row, column])
            part = clips / int(totals[row])
            x = label + column * _CELL
            color = _mixed(_RIGHT if row == column else _WRONG, part)
            draw.rectangle((x, y, x + _CELL, y + _CELL), fill=color, outline=_GRID)
            if clips:
                ink = _PAPER if part > 0.5 else _INK
                centre = x + _CELL // 2, y + _CELL // 2
                draw.text(centre, str(clips), fill=ink, anchor="mm")
    return picture


def _write_upwards(picture: Image.Image, text: str, x: int, bottom: int) -> None:
    """Write the name of a column from bottom to top."""
    size = bottom, _CELL
    line = Image.new("RGB", size, _PAPER)
    ImageDraw.Draw(line).text((0, _CELL // 2), text, fill=_INK, anchor="lm")
    picture.paste(line.transpose(Image.Transpose.ROTATE_90), (x - _CELL // 2, 0))


def _mixed(color: tuple[int, int, int], part: float) -> tuple[int, ...]:
    return tuple(round(255 + part * (value - 255)) for value in color)
