"""Landmarks with the dense meshes they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch.utils.data import Dataset

from lightning_face_emovoca.data.emotional_data_module import VariantsDataModule
from lightning_face_emovoca.data.sequence_dataset import SequenceDataset
from lightning_face_emovoca.data.splits import PartName
from lightning_face_emovoca.data.variant_source import Variant, VariantSource
from lightning_face_emovoca.landmarks import normalize_landmarks

__all__ = ["LandmarkDisplacementsDataModule", "LandmarkFrames"]


class LandmarkDisplacementsDataModule(VariantsDataModule):
    """Single frames for the training of dense meshes, whole sequences for its evaluation.

    Training batches are stacked frames, see
    :class:`lightning_face_emovoca.data.batch.LandmarkBatch`; the others are lists of one
    sequence, see :class:`lightning_face_emovoca.data.batch.LandmarkSequenceBatch`. Frames are
    read from the disk, or decoded, as they are needed.

    Args:
        root: Folder in the published layout, or a store; null means the bundled synthetic sample.
        template: Folder of mesh hierarchy and landmarks; null means ``src/template`` in ``root``.
        split: Actors of each part under ``train``, ``validation`` and ``test``; null means the
            published split.
        num_emotions: Emotions of the networks: 11, or 12 with the neutral one.
        num_intensities: Intensities of the networks.
        batch_size: Frames per batch and process in training.
        num_workers: Worker processes per loader.
        seed: Seed of the order.

    Source:
        Nocentini et al., "EmoVOCA: Speech-Driven Emotional 3D Talking Heads", WACV 2025; the
        split is that of the published code.
    """

    needs_vertices: ClassVar[bool] = True

    def dataset(
        self, source: VariantSource, variants: Sequence[Variant], part: PartName
    ) -> Dataset[dict[str, Any]]:
        """Return the dataset of a part.

        Args:
            source: Where the sequences come from.
            variants: The sequences.
            part: Part of the split.
        """
        if part == "train":
            return LandmarkFrames(source, variants)
        return SequenceDataset(
            source, variants, self.num_emotions, self.num_intensities, dense=True
        )


class LandmarkFrames(Dataset[dict[str, Any]]):
    """Frames of emotional sequences.

    Args:
        source: Where the sequences come from.
        variants: The sequences.
    """

    def __init__(self, source: VariantSource, variants: Sequence[Variant]) -> None:
        self.source = source
        self.variants = variants
        self._ends = np.cumsum([variant.frames for variant in variants])
        self._still = {
            actor: normalize_landmarks(source.embedding.landmarks_of(source.template(actor)))
            for actor in {variant.actor for variant in variants}
        }

    def __len__(self) -> int:
        """Number of frames."""
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return one frame, see :class:`lightning_face_emovoca.data.batch.LandmarkBatch`.

        Args:
            index: Number of the frame.

        Raises:
            DataError: A file is damaged, or its content is not finite.
        """
        number = int(np.searchsorted(self._ends, index, side="right"))
        variant = self.variants[number]
        frame = index - int(self._ends[number]) + variant.frames
        span = slice(frame, frame + 1)
        moved = self.source.landmarks(variant, span)[0] - self._still[variant.actor]
        displacement = self.source.displacement(variant, span)[0]
        return {
            "landmarks": torch.from_numpy(moved.astype(np.float32)),
            "displacement": torch.from_numpy(displacement),
            "files": f"{' with '.join(self.source.files(variant))}, frame {frame}",
        }
