"""Emotional sequences of a store, whether its motion is stored or decoded on demand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_face.audio import normalize_waveform, resample
from lightning_face.audio.waveform_cache import SAMPLE_RATE
from lightning_face_emovoca.builder.store import open_store
from lightning_face_emovoca.builder.store_format import StoredEmotion
from lightning_face_emovoca.data.emotions import find_emotion
from lightning_face_emovoca.data.variant_source import Variant
from lightning_face_emovoca.hierarchy.mesh_hierarchy import MeshHierarchy
from lightning_face_emovoca.landmarks import LandmarkEmbedding

__all__ = ["StoreVariants"]

Floats = NDArray[np.float32]


class StoreVariants:
    """All sequences of a finished store; see :class:`VariantSource`.

    Args:
        path: Folder of the store.

    Attributes:
        place: The folder.

    Raises:
        DataError: There is no store, or it is damaged or unfinished.
    """

    def __init__(self, path: Path) -> None:
        self.place = path
        self.store = open_store(path)

    @property
    def hierarchy(self) -> MeshHierarchy:
        """Mesh hierarchy of the heads."""
        return self.store.hierarchy

    @property
    def embedding(self) -> LandmarkEmbedding:
        """Places of the 68 landmarks."""
        return self.store.embedding

    @property
    def left_out(self) -> dict[str, list[str]]:
        """Nothing: a finished store has no sequence that cannot be used."""
        return {}

    def variants(self, actors: Collection[str]) -> list[Variant]:
        """List the sequences of some actors, sorted by name.

        Args:
            actors: Who speaks.
        """
        found = [
            Variant(
                stored.actor,
                stored.sentence,
                emotion.file_name,
                emotion.name,
                _shares(emotion),
                float(intensity),
                stored.frames,
            )
            for stored in self.store.sequences
            if stored.actor in actors
            for emotion in self.store.emotions
            for intensity in self.store.intensities
        ]
        return sorted(found, key=lambda variant: variant.name)

    def template(self, actor: str) -> NDArray[np.float64]:
        """Return a neutral head in metres ``(vertices, 3)``.

        Args:
            actor: Whose head.
        """
        return self.store.template(actor)

    def displacement(self, variant: Variant, frames: slice) -> Floats:
        """Return how heads differ from the neutral one, in metres ``(frames, vertices, 3)``.

        Args:
            variant: The sequence.
            frames: Which frames.

        Raises:
            DataError: The array is damaged.
        """
        return self.store.sequence(*_address(variant), frames)

    def landmarks(self, variant: Variant, frames: slice) -> Floats:
        """Return normalised landmarks ``(frames, 68, 3)``.

        Args:
            variant: The sequence.
            frames: Which frames.

        Raises:
            DataError: The array is damaged.
        """
        return self.store.landmarks(*_address(variant), frames)

    def waveform(self, variant: Variant) -> Floats:
        """Return the sound at 16 kHz, of mean 0 and variance 1 ``(samples,)``.

        Args:
            variant: The sequence.

        Raises:
            DataError: The array is damaged.
        """
        samples, rate = self.store.audio(variant.actor, variant.sentence)
        return normalize_waveform(resample(samples, rate, SAMPLE_RATE))

    def files(self, variant: Variant) -> Sequence[str]:
        """Name the store and the sequence, for messages.

        Args:
            variant: The sequence.
        """
        return [f"{self.place}, {variant.name}"]


def _address(variant: Variant) -> tuple[str, str, str, float]:
    return variant.actor, variant.sentence, variant.emotion, variant.intensity


def _shares(emotion: StoredEmotion) -> tuple[tuple[int, float], ...]:
    if emotion.mixture is None:
        return ((find_emotion(emotion.file_name).label, 1.0),)
    return tuple((find_emotion(name).label, share) for name, share in emotion.mixture.items())
