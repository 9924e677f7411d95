"""The mask as a picture to paint on, and the strokes painted on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightning_face_sis.demo.photo import Labels

__all__ = ["canvas_size", "canvas_value", "hex_color", "palette_picture", "read_strokes"]

_SMALLEST_SIDE = 512

Colors = NDArray[np.uint8]
"""RGB of every class ``(classes, 3)``."""


def canvas_size(size: tuple[int, int]) -> tuple[int, int]:
    """Choose how many pixels the canvas has: a multiple of the mask's, so that edges are sharp.

    Args:
        size: Height and width of the mask.

    Returns:
        Width and height of the canvas.
    """
    factor = -(-_SMALLEST_SIDE // max(size))
    return size[1] * factor, size[0] * factor


def palette_picture(labels: Labels, colors: Colors) -> Image.Image:
    """Make a label map that also looks like something: class numbers with a palette.

    Args:
        labels: Class numbers ``(height, width)``.
        colors: RGB of every class ``(classes, 3)``.

    Returns:
        Picture in mode ``P``, whose values are the class numbers.
    """
    picture = Image.fromarray(labels)
    picture.putpalette(colors.tobytes())
    return picture


def canvas_value(labels: Labels, colors: Colors) -> dict[str, Any]:
    """Make what the canvas shows: the mask in colours, without strokes.

    Args:
        labels: Class numbers ``(height, width)``.
        colors: RGB of every class ``(classes, 3)``.

    Returns:
        A value of ``gradio.ImageEditor``.
    """
    size = canvas_size((labels.shape[0], labels.shape[1]))
    shown = palette_picture(labels, colors).resize(size, Image.Resampling.NEAREST).convert("RGB")
    return {"background": shown, "layers": [], "composite": shown}


def read_strokes(value: Mapping[str, Any] | None) -> NDArray[np.uint8] | None:
    """Take the strokes out of what the canvas sends.

    Args:
        value: Value of ``gradio.ImageEditor`` with pictures of type ``pil``.

    Returns:
        Opacity of the strokes ``(height, width)``, 0 to 255; None if nothing was painted.
    """
    layers = (value or {}).get("layers", [])
    opacity = [np.asarray(layer.convert("RGBA"))[..., 3] for layer in layers]
    strokes = np.maximum.reduce(opacity) if opacity else np.zeros((1, 1), np.uint8)
    return strokes if strokes.any() else None


def hex_color(color: NDArray[np.uint8]) -> str:
    """Write a colour as a page does, such as ``#cc0000``."""
    return "#" + bytes(color.tolist()).hex()
