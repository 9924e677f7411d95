"""All variants of a sentence in one picture: emotions across, intensities down."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lightning_face.render import VIEWS, HeadPanel, SoundStrip, front_view
from lightning_face.render.head_panel import INK
from lightning_face.video import AudioTrack

__all__ = ["VariantGrid"]

Floats = NDArray[np.floating]
Bytes = NDArray[np.uint8]

_WIDTH = 0.8
_MARGIN, _FOREHEAD = 0.18, 0.3
_HEAD, _SIDE, _GAP, _STRIP = 26, 30, 2, 96


class VariantGrid:
    """Draws the heads of all emotions and intensities, with the sound below.

    Args:
        faces: Triangles ``(triangles, 3)``.
        template: The head at rest ``(vertices, 3)``, y up and face towards z.
        landmarks: Its 68 landmarks ``(68, 3)``, which tell where its face is.
        emotions: Names of the emotions, from left to right.
        intensities: Their strengths, from top to bottom.
        audio: The sound; None leaves the strip out.
        fps: Frames each second.
        view: Name of a side to see the heads from.
        height: Height of a head's picture in pixels.
    """

    def __init__(
        self,
        faces: NDArray[np.int64],
        template: Floats,
        landmarks: Floats,
        emotions: Sequence[str],
        intensities: Sequence[float],
        audio: AudioTrack | None = None,
        fps: float = 60.0,
        view: str = "front",
        height: int = 176,
    ) -> None:
        size = height // 2 * 2, round(height * _WIDTH / 2) * 2
        camera = front_view(_face_box(landmarks), size, margin=0.0, turn=VIEWS[view])
        self._panel = HeadPanel(faces, template, size, camera=camera)
        self._template = template
        self._size = size
        self._page = _page(emotions, intensities, size)
        self._strip = None
        if audio is not None:
            self._strip = SoundStrip(audio, fps, (_STRIP, self._page.shape[1]))

    def draw(self, displacements: Floats) -> Bytes:
        """Draw one frame.

        Args:
            displacements: Distances from the template
                ``(emotions, intensities, vertices, 3)`` in metres.

        Returns:
            RGB ``(height, width, 3)``, both even.
        """
        picture = self._page.copy()
        height, width = self._size
        for column, row in np.ndindex(displacements.shape[:2]):
            top = _HEAD + row * (height + _GAP)
            left = _SIDE + column * (width + _GAP)
            drawn = self._panel.draw(self._template + displacements[column, row])
            picture[top : top + height, left : left + width] = drawn
        if self._strip is None:
            return picture
        return np.concatenate([picture, self._strip.draw()])


def _face_box(landmarks: Floats) -> NDArray[np.float64]:
    """Return the corners of a box around the face, from the forehead to below the chin."""
    points = landmarks.astype(np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    extent = high - low
    low, high = low - _MARGIN * extent, high + _MARGIN * extent
    high[1] += _FOREHEAD * extent[1]
    return np.stack(np.meshgrid(*zip(low, high, strict=True)), axis=-1).reshape(-1, 3)


def _page(emotions: Sequence[str], intensities: Sequence[float], size: tuple[int, int]) -> Bytes:
    """Write the names beside where the heads will be."""
    height, width = size
    page = Image.new(
        "RGB",
        (_SIDE + len(emotions) * (width + _GAP), _HEAD + len(intensities) * (height + _GAP)),
        "white",
    )
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(15)
    for index, name in enumerate(emotions):
        x = _SIDE + index * (width + _GAP) + width / 2
        draw.text((x, _HEAD / 2), name, INK, font, anchor="mm")
    for index, strength in enumerate(intensities):
        y = _HEAD + index * (height + _GAP) + height / 2
        draw.text((_SIDE / 2, y), f"{strength:g}", INK, font, anchor="mm")
    return np.array(page)
