"""Whole emotional sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.data import Dataset

from lightning_face_emovoca.data.variant_source import Variant, VariantSource
from lightning_face_emovoca.landmarks import normalize_landmarks

__all__ = ["SequenceDataset"]

_ALL = slice(None)


class SequenceDataset(Dataset[dict[str, Any]]):
    """Emotional sequences with sound, landmarks and, if wanted, all vertices.

    Args:
        source: Where the sequences come from.
        variants: The sequences.
        num_emotions: Emotions that the networks know.
        num_intensities: Intensities that they know.
        dense: Whether to give the vertices, and the landmarks relative to those of the neutral
            head, as dense meshes are learned from them.
    """

    def __init__(
        self,
        source: VariantSource,
        variants: Sequence[Variant],
        num_emotions: int,
        num_intensities: int,
        dense: bool,
    ) -> None:
        self.source = source
        self.variants = variants
        self.num_emotions = num_emotions
        self.num_intensities = num_intensities
        self.dense = dense

    def __len__(self) -> int:
        """Number of sequences."""
        return len(self.variants)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return one sequence, see :mod:`lightning_face_emovoca.data.batch`.

        Args:
            index: Number of the sequence.

        Raises:
            DataError: A file is damaged, or its content is not finite.
        """
        source, variant = self.source, self.variants[index]
        template = source.template(variant.actor)
        still = normalize_landmarks(source.embedding.landmarks_of(template)).astype("float32")
        landmarks = source.landmarks(variant, _ALL)
        emotion, intensity = variant.conditions(self.num_emotions, self.num_intensities)
        sample = {
            "waveform": torch.from_numpy(source.waveform(variant)),
            "landmarks": torch.from_numpy(landmarks - still if self.dense else landmarks),
            "template_landmarks": torch.from_numpy(still),
            "template": torch.from_numpy(template).float(),
            "emotion": emotion,
            "intensity": intensity,
            "label": variant.label,
            "actor": variant.actor,
            "sentence": variant.sentence,
            "name": variant.name,
            "files": " with ".join(source.files(variant)),
        }
        if self.dense:
            sample["displacement"] = torch.from_numpy(source.displacement(variant, _ALL))
        return sample
