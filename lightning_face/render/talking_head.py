"""Pictures of a video of a talking head: the head from some sides, above its sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lightning_face.render.color_map import heat_colors
from lightning_face.render.head_panel import HeadPanel
from lightning_face.render.shading import CLAY
from lightning_face.render.sound_strip import SoundStrip
from lightning_face.video.audio import AudioTrack

__all__ = ["VIEWS", "ComparisonVideo", "SpeechVideo"]

Floats = NDArray[np.floating]
Bytes = NDArray[np.uint8]

VIEWS: Mapping[str, tuple[float, float]] = {
    "front": (0.0, 0.0),
    "quarter": (0.52, 0.08),
    "side": (1.4, 0.0),
}
"""Directions a head is seen from: angles in radians by which it is turned and nods."""

_WIDTH, _STRIP = 0.78, 0.2
_MILLIMETRES = 1000.0


class SpeechVideo:
    """A moving head from one side or several, with the sound below.

    Args:
        faces: Triangles ``(triangles, 3)``.
        still: The head at rest ``(vertices, 3)``, y up and face towards z.
        audio: The sound; None leaves the strip out.
        fps: Frames each second.
        views: Names of `VIEWS`.
        height: Height of the head's pictures in pixels.
        curve: Name of the curve over the sound.
        curve_range: Value at its top in millimetres.
    """

    def __init__(
        self,
        faces: NDArray[np.int64],
        still: Floats,
        audio: AudioTrack | None,
        fps: float,
        views: Sequence[str] = ("front", "quarter"),
        height: int = 512,
        curve: str = "mouth opening",
        curve_range: float = 15.0,
    ) -> None:
        size = _panel_size(height)
        self._panels = [HeadPanel(faces, still, size, VIEWS[view]) for view in views]
        self._strip = _sound_strip(audio, fps, size, len(views), [curve], curve_range)

    def draw(self, vertices: Floats, value: float) -> Bytes:
        """Draw the next frame.

        Args:
            vertices: Positions ``(vertices, 3)``.
            value: The curve at this frame, in millimetres.

        Returns:
            RGB ``(height, width, 3)``.
        """
        pictures = [panel.draw(vertices) for panel in self._panels]
        return _above(pictures, self._strip, [value])


class ComparisonVideo:
    """A true head, the predicted one, and how far apart they are in colour.

    Args:
        faces: Triangles ``(triangles, 3)`` of the prediction.
        still: Predicted head at rest, or any frame ``(vertices, 3)``, in metres.
        audio: The sound; None leaves the strip out.
        fps: Frames each second.
        highest: Error of the last colour in millimetres.
        target_faces: Triangles of the truth, where it has others.
        target_still: A frame of the truth, where it has other vertices.
        view: A name of `VIEWS`.
        height: Height of the head's pictures in pixels.
        curves: Names of the curves over the sound.
        curve_range: Value at their top in millimetres.
    """

    def __init__(
        self,
        faces: NDArray[np.int64],
        still: Floats,
        audio: AudioTrack | None,
        fps: float,
        highest: float,
        target_faces: NDArray[np.int64] | None = None,
        target_still: Floats | None = None,
        view: str = "quarter",
        height: int = 512,
        curves: Sequence[str] = ("target", "prediction"),
        curve_range: float = 15.0,
    ) -> None:
        size, turn = _panel_size(height), VIEWS[view]
        self._highest = highest

        def panel(caption: str) -> HeadPanel:
            # all leave room for the bar, so that heads are of one size
            bar = (highest, "mm") if caption == "error" else None
            return HeadPanel(faces, still, size, turn, caption, bar, bar_room=True)

        self._prediction, self._error = panel("prediction"), panel("error")
        self._target = panel("target")
        if target_faces is not None and target_still is not None:
            framing = self._prediction.camera
            self._target = HeadPanel(
                *(target_faces, target_still, size, turn, "target"),
                camera=framing,
            )
        self._strip = _sound_strip(audio, fps, size, 3, curves, curve_range)

    def draw(
        self, target: Floats, prediction: Floats, error: Floats, values: Sequence[float]
    ) -> Bytes:
        """Draw the next frame.

        Args:
            target: True positions ``(target vertices, 3)`` in metres.
            prediction: Predicted positions ``(vertices, 3)`` in metres.
            error: Distance of each predicted vertex from the truth in metres ``(vertices,)``.
            values: The curves at this frame, in millimetres.

        Returns:
            RGB ``(height, width, 3)``.
        """
        colors = heat_colors(error * _MILLIMETRES, self._highest)
        pictures = [
            self._target.draw(target, CLAY),
            self._prediction.draw(prediction, CLAY),
            self._error.draw(prediction, colors),
        ]
        return _above(pictures, self._strip, values)


def _panel_size(height: int) -> tuple[int, int]:
    # videos have even sides
    return height // 2 * 2, round(height * _WIDTH / 2) * 2


def _sound_strip(
    audio: AudioTrack | None,
    fps: float,
    panel: tuple[int, int],
    count: int,
    curves: Sequence[str],
    highest: float,
) -> SoundStrip | None:
    if audio is None:
        return None
    size = max(round(panel[0] * _STRIP / 2) * 2, 72), panel[1] * count
    return SoundStrip(audio, fps, size, curves, highest)


def _above(pictures: Sequence[Bytes], strip: SoundStrip | None, values: Sequence[float]) -> Bytes:
    row = np.concatenate(pictures, axis=1)
    return row if strip is None else np.concatenate([row, strip.draw(values)])
