"""Speech with the landmarks of faces that speak with emotion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from torch.utils.data import Dataset

from lightning_face.data import ResumableLoader
from lightning_face_emovoca.data.batch import collate_sequences
from lightning_face_emovoca.data.emotional_data_module import VariantsDataModule
from lightning_face_emovoca.data.sequence_dataset import SequenceDataset
from lightning_face_emovoca.data.splits import PartName
from lightning_face_emovoca.data.variant_source import Variant, VariantSource

__all__ = ["EmotionalSpeechDataModule"]


class EmotionalSpeechDataModule(VariantsDataModule):
    """Whole sequences for the network from speech to landmarks.

    A batch is a dictionary of lists, one entry a sequence, see
    :class:`lightning_face_emovoca.data.batch.SpeechBatch`.

    Args:
        root: Folder in the published layout, or a store; null means the bundled synthetic sample.
        template: Folder of mesh hierarchy and landmarks; null means ``src/template`` in ``root``.
        split: Actors of each part under ``train``, ``validation`` and ``test``; null means the
            published split.
        num_emotions: Emotions that the network tells apart: 11, or 12 with the neutral one.
        num_intensities: Intensities that the network tells apart.
        batch_size: Sequences per batch and process; the paper has 1.
        num_workers: Worker processes per loader.
        seed: Seed of the order.

    Source:
        Nocentini et al., "EmoVOCA: Speech-Driven Emotional 3D Talking Heads", WACV 2025; the
        split is that of the published code.
    """

    needs_vertices: ClassVar[bool] = False

    def __init__(
        self,
        root: str | None = None,
        template: str | None = None,
        split: dict[str, list[str]] | None = None,
        num_emotions: int = 11,
        num_intensities: int = 3,
        batch_size: int = 1,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(
            *(root, template, split, num_emotions, num_intensities),
            *(batch_size, num_workers, seed),
        )

    def dataset(
        self, source: VariantSource, variants: Sequence[Variant], part: PartName
    ) -> Dataset[dict[str, Any]]:
        """Return the dataset of a part.

        Args:
            source: Where the sequences come from.
            variants: The sequences.
            part: Part of the split.
        """
        return SequenceDataset(
            source, variants, self.num_emotions, self.num_intensities, dense=False
        )

    def train_dataloader(self) -> ResumableLoader:
        """Loader of the training sequences, shuffled."""
        return self.loader(self.parts["train"], True, collate_sequences)
