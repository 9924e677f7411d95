"""Pictures of where a network looks: heat over frames, and how much each frame counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lightning_face_eventvit.predictions.frame_pictures import frame_picture, spread

__all__ = ["attention_sheet", "heat_picture"]

Floats = NDArray[np.floating]

_GAP, _MARGIN, _LABELS, _HEADER, _BAR = 6, 14, 118, 34, 46
_PAPER, _INK, _SOFT, _COUNTED = (24, 26, 31), (232, 234, 238), (150, 155, 165), (255, 170, 72)
# dark to bright as a glowing body: red, green and blue at equal steps of heat
_GLOW = np.array(
    [(0, 0, 4), (66, 10, 104), (147, 38, 103), (221, 81, 58), (252, 165, 10), (252, 255, 164)],
    np.float64,
)


def heat_picture(frame: NDArray[np.uint8], heat: Floats, side: int, hottest: float) -> Image.Image:
    """Lay heat over a frame.

    Args:
        frame: Grey or RGB frame ``(channels, height, width)``.
        heat: Weights of the patches ``(grid height, grid width)``.
        side: Longer side of the picture in pixels.
        hottest: Weight that is drawn brightest.
    """
    picture = frame_picture(frame, side)
    share = np.clip(heat / max(hottest, 1e-9), 0, 1)
    # smooth between the middles of patches, which is what the eye fills in anyway
    smooth = Image.fromarray((share * 255).round().astype(np.uint8)).resize(
        picture.size, Image.Resampling.BICUBIC
    )
    values = np.asarray(smooth, np.float64) / 255
    steps = np.linspace(0, 1, len(_GLOW))
    glow = np.stack([np.interp(values, steps, _GLOW[:, color]) for color in range(3)], -1)
    grey = np.asarray(picture.convert("L"), np.float64)[..., None]
    mixed = glow * (0.35 + 0.65 * values[..., None]) + 0.55 * grey
    return Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8))


def attention_sheet(
    frames: NDArray[np.uint8],
    rows: dict[str, Floats],
    counted: Floats,
    seconds: Sequence[float],
    title: str,
    columns: int = 10,
    side: int = 112,
) -> Image.Image:
    """Lay out frames, heat of several kinds below them, and the weights of the frames.

    Args:
        frames: Frames of a clip ``(frames, channels, height, width)``.
        rows: Weights of the patches by the name of the row ``(frames, grid height, grid width)``.
        counted: How much the network looks at each frame ``(frames,)``.
        seconds: Time of each frame.
        title: Line above.
        columns: Most frames to show.
        side: Longer side of a frame in pixels.
    """
    shown = spread(len(frames), columns)
    width, height = frame_picture(frames[0], side).size
    sheet = Image.new(
        "RGB",
        (
            2 * _MARGIN + _LABELS + len(shown) * (width + _GAP) - _GAP,
            2 * _MARGIN + _HEADER + (len(rows) + 1) * (height + _GAP) + _BAR + 18,
        ),
        _PAPER,
    )
    draw = ImageDraw.Draw(sheet)
    large, small = (ImageFont.load_default(points) for points in (17, 13))
    draw.text((_MARGIN, _MARGIN - 2), title, fill=_INK, font=large)
    left, top = _MARGIN + _LABELS, _MARGIN + _HEADER
    for row, (name, heat) in enumerate([("frame", None), *rows.items()]):
        y = top + row * (height + _GAP)
        draw.text((_MARGIN, y + height / 2 - 8), name, fill=_SOFT, font=small)
        for column, index in enumerate(shown):
            if heat is None:
                picture = frame_picture(frames[index], side)
            else:
                picture = heat_picture(frames[index], heat[index], side, float(heat.max()))
            sheet.paste(picture, (left + column * (width + _GAP), y))
    bottom = top + (len(rows) + 1) * (height + _GAP) + _BAR
    draw.text((_MARGIN, bottom - _BAR / 2 - 8), "over time", fill=_SOFT, font=small)
    step = width + _GAP
    span = (len(shown) - 1) * step + width
    for index, weight in enumerate(counted):
        x = left + span * index / len(counted)
        high = bottom - (_BAR - 6) * float(weight) / max(float(counted.max()), 1e-9)
        draw.rectangle((x, high, x + max(1, span / len(counted) - 2), bottom), fill=_COUNTED)
    for column, index in enumerate(shown):
        middle = left + column * step + width / 2
        draw.text((middle, bottom + 4), f"{seconds[index]:.2f} s", _SOFT, small, anchor="mt")
    return sheet
