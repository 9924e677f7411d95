"""Frames of a clip as pictures for people."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightning_face.events.dark_frame import BACKGROUND, NEGATIVE, POSITIVE, dark_picture

__all__ = ["data_uri", "frame_picture", "spread"]

_PADDING = 0
_JPEG_QUALITY = 88


def frame_picture(frame: NDArray[np.uint8], side: int) -> Image.Image:
    """Turn a frame into a picture; dark frames get the colours of their palette.

    Pixels stay sharp where the frame is enlarged. Where an event frame is reduced, the most
    unusual pixel of each block is kept, so that thin lines of events do not fade.

    Args:
        frame: Grey or RGB frame ``(channels, height, width)``.
        side: Longer side of the picture in pixels.
    """
    height, width = frame.shape[1:]
    size = (max(1, side * width // max(height, width)), max(1, side * height // max(height, width)))
    if frame.shape[0] == 3:
        picture = Image.fromarray(np.ascontiguousarray(frame.transpose(1, 2, 0)))
        enlarged = size[0] > width
        resampling = Image.Resampling.NEAREST if enlarged else Image.Resampling.LANCZOS
        return picture.resize(size, resampling)
    levels = frame[0]
    dark = bool(np.isin(levels, (_PADDING, BACKGROUND, NEGATIVE, POSITIVE)).all())
    if size[0] < width:
        levels = _pooled(levels, size)
    colours = dark_picture(levels) if dark else np.repeat(levels[..., None], 3, axis=-1)
    return Image.fromarray(colours).resize(size, Image.Resampling.NEAREST)


def spread(length: int, count: int) -> list[int]:
    """Choose places from the first to the last one in equal steps.

    Args:
        length: Number of places, at least 1.
        count: Number of places to choose, at least 1; fewer where there are fewer.
    """
    count = min(count, length)
    return [round(place) for place in np.linspace(0, length - 1, count)]


def data_uri(picture: Image.Image) -> str:
    """Embed a picture, as PNG or JPEG, whichever is smaller."""
    buffers = []
    for kind, options in (("png", {"optimize": True}), ("jpeg", {"quality": _JPEG_QUALITY})):
        buffer = io.BytesIO()
        picture.save(buffer, format=kind, **options)
        buffers.append((len(buffer.getvalue()), kind, buffer.getvalue()))
    _, kind, content = min(buffers)
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _pooled(levels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Reduce grey levels to a smaller ``(width, height)``, keeping the brightest of each block."""
    rows = np.linspace(0, levels.shape[0], size[1], endpoint=False).astype(np.int64)
    columns = np.linspace(0, levels.shape[1], size[0], endpoint=False).astype(np.int64)
    pooled: NDArray[np.uint8] = np.maximum.reduceat(
        np.maximum.reduceat(levels, rows, axis=0), columns, axis=1
    )
    return pooled
