"""A face, a recording and an emotion: the moving face, some frames after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightning_face_emovoca.landmarks import LandmarkEmbedding, normalize_landmarks
from lightning_face_emovoca.networks.es2d import ES2D
from lightning_face_emovoca.networks.es2l import ES2L
from lightning_face_emovoca.schedule import EmotionTrack

__all__ = ["EmotionalGenerator", "vertices_of_landmarks"]

Floats = NDArray[np.floating[Any]]

# A second and more of speech; the decoder divides it by what its device likes.
_BLOCK_FRAMES = 64


@dataclass(frozen=True, eq=False)
class EmotionalGenerator:
    """Both networks of the generator, and the landmarks between them.

    Attributes:
        es2l: From speech to landmarks, in evaluation mode.
        es2d: From landmarks to vertices, in evaluation mode, on the same device.
        embedding: Where the landmarks lie on the topology.

    Source:
        F. Nocentini et al., EmoVOCA, WACV 2025.
    """

    es2l: ES2L
    es2d: ES2D
    embedding: LandmarkEmbedding

    def num_frames(self, samples: int) -> int:
        """Count the frames, 60 a second, of a recording of that many samples at 16 kHz."""
        return self.es2l.num_frames(samples)

    def generate(
        self, waveform: Tensor, template: Floats, track: EmotionTrack
    ) -> Iterator[NDArray[np.float64]]:
        """Make a face speak, in memory that hardly grows with the recording.

        Args:
            waveform: Speech (samples,) at 16 kHz, of mean 0 and variance 1 over all of it.
            template: Neutral face (vertices, 3) in metres.
            track: What is felt in each of the frames of the recording.

        Yields:
            Positions (frames, vertices, 3) in metres of some frames after the other, together
            those of the track.

        Raises:
            ConfigError: The network does not know an emotion of the track.
            DataError: The recording is too short.
        """
        still = normalize_landmarks(self.embedding.landmarks_of(template.astype(np.float64)))
        landmarks = self.landmarks(waveform, still, track)
        yield from vertices_of_landmarks(self.es2d, landmarks, still, template)

    def landmarks(self, waveform: Tensor, still: Floats, track: EmotionTrack) -> Tensor:
        """Move normalised landmarks as speech and emotions demand.

        Args:
            waveform: As for :meth:`generate`.
            still: Normalised landmarks of the neutral face (landmarks, 3).
            track: As for :meth:`generate`.

        Returns:
            Normalised landmarks (frames, landmarks, 3), float32.
        """
        device = self.es2l.output_mapper.weight.device
        emotion, intensity = track.conditions(self.es2l.num_emotions, self.es2l.num_intensities)
        moved = self.es2l.forward_long(
            waveform,
            emotion.to(device),
            intensity.to(device),
            torch.from_numpy(np.asarray(still, dtype=np.float32)).flatten().to(device),
            len(track),
        )
        return moved.unflatten(-1, (-1, 3))


@torch.inference_mode()
def vertices_of_landmarks(
    es2d: ES2D, landmarks: Tensor, still: Floats, template: Floats
) -> Iterator[NDArray[np.float64]]:
    """Move the vertices of a face as its landmarks demand.

    Args:
        es2d: Network in evaluation mode.
        landmarks: Normalised landmarks (frames, landmarks, 3).
        still: Those of the neutral face (landmarks, 3).
        template: The neutral face (vertices, 3) in metres.

    Yields:
        Positions (frames, vertices, 3) in metres of some frames after the other.
    """
    device = es2d.fc_latent_dec.weight.device
    start = torch.from_numpy(np.asarray(still, dtype=np.float64))
    for block in landmarks.split(_BLOCK_FRAMES):
        # both are near each other, so the difference is taken before rounding
        moved = (block.cpu().double() - start).float()
        displacement = es2d(moved.to(device)).cpu().numpy()
        yield template.astype(np.float64) + displacement
