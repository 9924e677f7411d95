"""Colours of numbers on a surface, and the bar that explains them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

__all__ = ["draw_color_bar", "heat_colors", "round_up"]

# From a light surface through yellow and red to dark purple: steadily darker, so that it reads
# in grey as well, and light enough in the middle to be shaded.
_STOPS = np.array(
    [
        [0.86, 0.87, 0.88],
        [0.98, 0.82, 0.45],
        [0.97, 0.58, 0.25],
        [0.83, 0.22, 0.23],
        [0.43, 0.06, 0.36],
    ]
)
_BAR_HEIGHT = 8


def heat_colors(values: ArrayLike, highest: float) -> NDArray[np.float64]:
    """Return the colour of each value between 0 and a highest one.

    Args:
        values: Numbers ``(...)``; those outside the range take the colour of its end.
        highest: Value of the last colour, above 0.

    Returns:
        sRGB ``(..., 3)`` in 0..1.
    """
    place = np.clip(np.asarray(values, dtype=np.float64) / highest, 0, 1) * (len(_STOPS) - 1)
    below = np.minimum(place.astype(np.int64), len(_STOPS) - 2)
    part = (place - below)[..., None]
    colors: NDArray[np.float64] = _STOPS[below] * (1 - part) + _STOPS[below + 1] * part
    return colors


def round_up(value: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is no smaller than a value.

    Args:
        value: A number; 0 and below give the smallest range worth showing, 0.1.
    """
    if value <= 0.1:
        return 0.1
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value * (1 - 1e-9))


def draw_color_bar(
    picture: NDArray[np.uint8], highest: float, unit: str, color: str = "#333a46"
) -> None:
    """Draw a bar of the colours with its numbers at the bottom of a picture.

    Args:
        picture: RGB ``(height, width, 3)``; is drawn upon.
        highest: Value of the last colour, above 0.
        unit: Unit of the values, written behind the last.
        color: Colour of the numbers.
    """
    height, width = picture.shape[:2]
    left, right = round(0.22 * width), round(0.78 * width)
    top = height - 34
    values = np.linspace(0, highest, right - left)
    picture[top : top + _BAR_HEIGHT, left:right] = np.rint(heat_colors(values, highest) * 255)
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(13)
    for part in (0.0, 0.5, 1.0):
        text = f"{part * highest:g}" + (f" {unit}" if part == 1 else "")
        place = (left + part * (right - left), top + _BAR_HEIGHT + 4)
        draw.text(place, text, color, font, anchor="mt")
    picture[:] = np.asarray(image)
