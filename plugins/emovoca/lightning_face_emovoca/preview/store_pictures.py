"""Pictures and videos of one sentence of a store."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.errors import DataError
from lightning_face.video import AudioTrack, VideoWriter
from lightning_face_emovoca.builder.store import EmoVOCAStore
from lightning_face_emovoca.builder.store_format import FRAME_CHUNK, StoredSequence
from lightning_face_emovoca.metrics import lip_aperture
from lightning_face_emovoca.preview.mixture_video import MixtureVideo
from lightning_face_emovoca.preview.variant_grid import VariantGrid

__all__ = ["SentencePictures"]

Floats = NDArray[np.float32]

_SHOWN_SHARE = 99.5


class SentencePictures:
    """Draws a sentence.

    Args:
        store: The store.
        sequence: The sentence.
        view: Name of a side to see the heads from.
    """

    def __init__(self, store: EmoVOCAStore, sequence: StoredSequence, view: str = "front") -> None:
        self._store = store
        self._sequence = sequence
        self._view = view
        self._template = store.template(sequence.actor)
        self._landmarks = store.embedding.landmarks_of(self._template)
        samples, rate = store.audio(sequence.actor, sequence.sentence)
        self._audio = AudioTrack(samples, rate)

    def widest_frame(self) -> int:
        """Return the frame at which the source, or else the speech alone, is open the widest."""
        apertures = [self._aperture(self._talking(frames)) for frames in self._blocks(1)]
        return int(np.concatenate(apertures).argmax())

    def write_sheet(self, path: Path, frame: int, height: int) -> None:
        """Write all variants at one frame as a picture.

        Args:
            path: ``.png`` file.
            frame: Which frame.
            height: Height of a head in pixels.
        """
        grid = self._grid(height, None, 1.0)
        picture = grid.draw(self._variants(slice(frame, frame + 1))[:, :, 0])
        with atomic_path(path) as temporary:
            Image.fromarray(picture).save(temporary, format="PNG")

    def write_grid(self, path: Path, height: int, every: int) -> None:
        """Write all variants as a video with sound.

        Args:
            path: ``.mp4`` file.
            height: Height of a head in pixels.
            every: Draw each frame that this divides.
        """
        fps = self._store.frame_rate / every
        grid = self._grid(height, self._audio, fps)
        with VideoWriter(path, fps, self._audio) as video:
            for frames in self._blocks(every):
                variants = self._variants(frames)[:, :, ::every]
                for frame in range(variants.shape[2]):
                    video.add(grid.draw(variants[:, :, frame]))

    def write_comparison(
        self, path: Path, emotion: str | int, intensity: float, height: int, every: int = 1
    ) -> None:
        """Write source, mixture and their difference side by side as a video with sound.

        Args:
            path: ``.mp4`` file.
            emotion: The emotion.
            intensity: Its strength.
            height: Height of the heads in pixels.
            every: Draw each frame that this divides.
        """
        spoken = self._sequence.actor, self._sequence.sentence
        farthest, widest = 0.0, 0.0
        for frames in self._blocks(every):
            source = self._talking(frames)
            mixture = self._store.sequence(*spoken, emotion, intensity, frames)
            distance = np.linalg.norm(mixture - source, axis=-1)
            farthest = max(farthest, float(np.percentile(distance, _SHOWN_SHARE)))
            for motion in (source, mixture):
                widest = max(widest, float(self._aperture(motion).max()))
        name = self._store.emotions[self._store.emotion_place(emotion)].name
        fps = self._store.frame_rate / every
        drawing = MixtureVideo(
            self._store.faces,
            self._template,
            f"{name}, {intensity:g}",
            max(0.5, math.ceil(2000 * farthest) / 2),
            self._audio,
            fps,
            float(max(1, math.ceil(1000 * widest))),
            self._view,
            height,
        )
        with VideoWriter(path, fps, self._audio) as video:
            for frames in self._blocks(every):
                source = self._talking(frames)[::every]
                mixture = self._store.sequence(*spoken, emotion, intensity, frames)[::every]
                curves = zip(self._aperture(source), self._aperture(mixture), strict=True)
                for first, second, values in zip(source, mixture, curves, strict=True):
                    video.add(drawing.draw(first, second, values))

    def _grid(self, height: int, audio: AudioTrack | None, fps: float) -> VariantGrid:
        return VariantGrid(
            self._store.faces,
            self._template,
            self._landmarks,
            [each.name for each in self._store.emotions],
            self._store.intensities,
            audio,
            fps,
            self._view,
            height,
        )

    def _variants(self, frames: slice) -> Floats:
        """Read all variants ``(emotions, intensities, frames, vertices, 3)``."""
        spoken = self._sequence.actor, self._sequence.sentence
        rows = [
            [
                self._store.sequence(*spoken, emotion, intensity, frames)
                for intensity in self._store.intensities
            ]
            for emotion in range(len(self._store.emotions))
        ]
        return np.array(rows)

    def _talking(self, frames: slice) -> Floats:
        """Read what was recorded, or what the network makes of it where that is not there."""
        spoken = self._sequence.actor, self._sequence.sentence
        try:
            return self._store.source(*spoken, frames)
        except DataError:
            return self._store.plain(*spoken, frames=frames)

    def _aperture(self, motion: Floats) -> NDArray[np.float64]:
        landmarks = self._store.embedding.landmarks_of(self._template + motion)
        aperture: NDArray[np.float64] = lip_aperture(torch.from_numpy(landmarks)).numpy()
        return aperture

    def _blocks(self, every: int) -> Iterator[slice]:
        """Split the sentence into blocks that begin with a frame that is drawn."""
        size = every * max(1, FRAME_CHUNK // every)
        for begin in range(0, self._sequence.frames, size):
            yield slice(begin, min(begin + size, self._sequence.frames))
