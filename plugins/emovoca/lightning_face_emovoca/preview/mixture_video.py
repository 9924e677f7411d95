"""What was said, what came of it, and what was added, side by side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lightning_face.render import VIEWS, HeadPanel, SoundStrip, heat_colors
from lightning_face.video import AudioTrack

__all__ = ["MixtureVideo"]

Floats = NDArray[np.floating]
Bytes = NDArray[np.uint8]

_WIDTH = 0.78
_STRIP = 110
_MILLIMETRES = 1000.0


class MixtureVideo:
    """Draws the source, a mixture, and how far they are apart in colour, above the sound.

    Args:
        faces: Triangles ``(triangles, 3)``.
        template: The head at rest ``(vertices, 3)`` in metres, y up and face towards z.
        label: Emotion and intensity of the mixture.
        highest: Distance of the last colour in millimetres.
        audio: The sound; None leaves strip and curves out.
        fps: Frames each second.
        widest: Lip aperture at the top of the curves in millimetres.
        view: Name of a side to see the heads from.
        height: Height of the heads' pictures in pixels.
    """

    def __init__(
        self,
        faces: NDArray[np.int64],
        template: Floats,
        label: str,
        highest: float,
        audio: AudioTrack | None = None,
        fps: float = 60.0,
        widest: float = 15.0,
        view: str = "front",
        height: int = 448,
    ) -> None:
        size = height // 2 * 2, round(height * _WIDTH / 2) * 2
        self._template = template
        self._highest = highest
        # all leave room for the bar, so that heads are of one size
        self._source, self._mixture, self._added = (
            HeadPanel(faces, template, size, VIEWS[view], caption, bar, bar_room=True)
            for caption, bar in (
                ("source", None),
                (label, None),
                ("difference", (highest, "mm")),
            )
        )
        self._strip = None
        if audio is not None:
            curves = ("lip aperture of the source", label)
            self._strip = SoundStrip(audio, fps, (_STRIP, 3 * size[1]), curves, widest)

    def draw(self, source: Floats, mixture: Floats, apertures: tuple[float, float]) -> Bytes:
        """Draw the next frame.

        Args:
            source: Displacements of the recorded head ``(vertices, 3)`` in metres.
            mixture: Displacements of the mixture.
            apertures: Lip aperture of both in metres.

        Returns:
            RGB ``(height, width, 3)``, both even.
        """
        distance = np.linalg.norm(mixture - source, axis=1) * _MILLIMETRES
        moved = self._template + mixture
        row = np.concatenate(
            [
                self._source.draw(self._template + source),
                self._mixture.draw(moved),
                self._added.draw(moved, heat_colors(distance, self._highest)),
            ],
            axis=1,
        )
        if self._strip is None:
            return row
        return np.concatenate([row, self._strip.draw([_MILLIMETRES * each for each in apertures])])
