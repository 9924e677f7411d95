"""Emotional sequences to learn from, wherever they are stored."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lightning_face_emovoca.data.emotions import EMOTIONS
from lightning_face_emovoca.hierarchy.mesh_hierarchy import MeshHierarchy
from lightning_face_emovoca.landmarks import LandmarkEmbedding
from lightning_face_emovoca.schedule import EmotionTrack

__all__ = ["Variant", "VariantSource", "open_variants"]

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Variant:
    """A sentence of an actor with an emotion at an intensity.

    Attributes:
        actor: Who speaks.
        sentence: What is said.
        emotion: What files call the emotion.
        title: What people call the emotion.
        shares: Numbers of the emotions that it is made of, each with its share.
        intensity: Strength of it; 1 is low, 2 middle, 3 high.
        frames: Number of frames.
    """

    actor: str
    sentence: str
    emotion: str
    title: str
    shares: tuple[tuple[int, float], ...]
    intensity: float
    frames: int

    @property
    def name(self) -> str:
        """Name of the sequence."""
        return f"{self.actor}_{self.sentence}_{self.emotion}_{self.intensity:g}"

    @property
    def label(self) -> str:
        """Emotion and intensity in words."""
        return f"{self.title} {self.intensity:g}"

    def conditions(self, num_emotions: int, num_intensities: int) -> tuple[Tensor, Tensor]:
        """Return what the speech network takes of the emotion.

        Args:
            num_emotions: Emotions that the network knows.
            num_intensities: Intensities that it knows.

        Returns:
            Weights ``(num_emotions,)`` and ``(num_intensities,)``, float32.

        Raises:
            ConfigError: The network does not know the emotion or the intensity.
        """
        weights = np.zeros((1, len(EMOTIONS) + 1))
        for label, share in self.shares:
            weights[0, label] += share
        weights /= weights.sum()
        track = EmotionTrack(weights, np.array([self.intensity]))
        emotion, intensity = track.conditions(num_emotions, num_intensities)
        return emotion[0], intensity[0]


class VariantSource(Protocol):
    """Where emotional sequences come from."""

    @property
    def place(self) -> Path:
        """Folder of the data."""

    @property
    def hierarchy(self) -> MeshHierarchy:
        """Mesh hierarchy of the heads."""

    @property
    def embedding(self) -> LandmarkEmbedding:
        """Places of the 68 landmarks."""

    @property
    def left_out(self) -> dict[str, list[str]]:
        """Names of sequences that cannot be used, by the reason."""

    def variants(self, actors: Collection[str]) -> list[Variant]:
        """List the sequences of some actors, sorted by name.

        Args:
            actors: Who speaks.

        Raises:
            DataError: A file is missing, damaged, or contradicts another one.
        """

    def template(self, actor: str) -> NDArray[np.float64]:
        """Return a neutral head in metres ``(vertices, 3)``.

        Args:
            actor: Whose head.
        """

    def displacement(self, variant: Variant, frames: slice) -> Floats:
        """Return how heads differ from the neutral one, in metres ``(frames, vertices, 3)``.

        Args:
            variant: The sequence.
            frames: Which frames, of step 1.
        """

    def landmarks(self, variant: Variant, frames: slice) -> Floats:
        """Return normalised landmarks ``(frames, 68, 3)``.

        Args:
            variant: The sequence.
            frames: Which frames, of step 1.
        """

    def waveform(self, variant: Variant) -> Floats:
        """Return the sound at 16 kHz, of mean 0 and variance 1 ``(samples,)``.

        Args:
            variant: The sequence.
        """

    def files(self, variant: Variant) -> Sequence[str]:
        """Name the files of a sequence, for messages.

        Args:
            variant: The sequence.
        """


def open_variants(root: Path, template: Path | None, needs_vertices: bool) -> VariantSource:
    """Open a folder in the published layout or a store.

    Args:
        root: The folder, or the store.
        template: Folder of the topology's files, where it is not in its place in the folder.
        needs_vertices: Whether landmarks alone will not do.

    Raises:
        DataError: A file is missing or damaged.
    """
    if (root / "zarr.json").is_file():
        from lightning_face_emovoca.data.store_variants import StoreVariants

        return StoreVariants(root)
    from lightning_face_emovoca.data.folder_variants import FolderVariants

    return FolderVariants(root, template, needs_vertices)
