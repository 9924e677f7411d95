"""A predicted and a true sequence frame by frame: how far apart, and as pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from lightning_face.render import ComparisonVideo
from lightning_face.render.color_map import round_up
from lightning_face.video import AudioTrack
from lightning_face_scantalk.animation import opened_mouth

__all__ = ["Comparison"]

Frames = NDArray[np.floating]

_SHOWN_SHARE = 99.0


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two sequences of as many frames.

    Attributes:
        target: True positions ``(frames, target vertices, 3)`` in metres.
        prediction: Predicted positions ``(frames, vertices, 3)`` in metres.
        faces: Triangles of the prediction.
        target_faces: Triangles of the truth, where it has other ones; None where vertices
            correspond.
    """

    target: Frames
    prediction: Frames
    faces: NDArray[np.int64]
    target_faces: NDArray[np.int64] | None = None

    @cached_property
    def errors(self) -> NDArray[np.float32]:
        """Distance in metres of each predicted vertex from its true or else the nearest true one.

        ``(frames, vertices)``.
        """
        pairs = zip(self.prediction, self.target, strict=True)
        if self.target_faces is None:
            distances = [np.linalg.norm(predicted - target, axis=1) for predicted, target in pairs]
        else:
            distances = [KDTree(target).query(predicted)[0] for predicted, target in pairs]
        return np.stack(distances).astype(np.float32)

    def shown_error(self) -> float:
        """Choose the error of the last colour, in millimetres: nearly all are below it."""
        return round_up(1000 * float(np.percentile(self.errors, _SHOWN_SHARE)))

    def pictures(
        self,
        audio: AudioTrack | None,
        fps: float,
        highest: float | None = None,
        lips: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
        still: Frames | None = None,
        view: str = "quarter",
        height: int = 512,
    ) -> Iterator[NDArray[np.uint8]]:
        """Draw target, prediction and error side by side, above the sound.

        Args:
            audio: The sound; None leaves the strip out.
            fps: Frames each second.
            highest: Error of the last colour in millimetres; None chooses it by the data.
            lips: Vertices of upper and lower lip, for curves of the opening of both mouths; None,
                or a truth with other vertices, gives the mean error as curve.
            still: The head at rest ``(vertices, 3)``; None takes the first true frame.
            view: Side the heads are seen from.
            height: Height of the heads' pictures in pixels.

        Yields:
            RGB ``(height, width, 3)`` of each frame.
        """
        if still is None:
            still = self.target[0] if self.target_faces is None else self.prediction[0]
        if lips is not None and self.target_faces is None:
            names: tuple[str, ...] = ("true mouth opening", "predicted")
            curves = [opened_mouth(each, still, *lips) for each in (self.target, self.prediction)]
        else:
            names = ("mean error",)
            curves = [self.errors.mean(axis=1)]
        values = 1000 * np.stack(curves, axis=1)
        video = ComparisonVideo(
            self.faces,
            still,
            audio,
            fps,
            self.shown_error() if highest is None else highest,
            self.target_faces,
            None if self.target_faces is None else self.target[0],
            view,
            height,
            names,
            round_up(float(values.max())),
        )
        for frame, (target, predicted) in enumerate(zip(self.target, self.prediction, strict=True)):
            yield video.draw(target, predicted, self.errors[frame], values[frame].tolist())
