"""What the data modules have in common: the sample, the parts of the split, the topology."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from lightning_face.data import FaceDataModule, ResumableLoader
from lightning_face.errors import DataError
from lightning_face_emovoca.data.batch import collate_sequences
from lightning_face_emovoca.data.sample import SAMPLE_NAME, SAMPLE_VERSION, write_sample
from lightning_face_emovoca.data.splits import PARTS, PartName, parts_of, read_split
from lightning_face_emovoca.data.variant_source import Variant, VariantSource, open_variants
from lightning_face_emovoca.hierarchy.mesh_hierarchy import MeshHierarchy
from lightning_face_emovoca.landmarks import LandmarkEmbedding

if TYPE_CHECKING:
    from lightning_face.data.check import DataReport

__all__ = ["EmotionalDataModule", "VariantsDataModule"]

log = logging.getLogger(__name__)

_LISTED = 3


class EmotionalDataModule(FaceDataModule):
    """Data module of heads of one topology, whose actors are split into three parts.

    A subclass sets ``hierarchy``, ``embedding`` and ``parts`` in ``setup``.

    Args:
        root: Folder of the data; null means the bundled synthetic sample.
        template: Folder of mesh hierarchy and landmarks; null means their place in ``root``.
        split: Actors of each part; null means the published split.
        batch_size: Samples per batch and process in training.
        num_workers: Worker processes per loader.
        seed: Seed of the order.

    Attributes:
        hierarchy: Mesh hierarchy of the heads, after ``setup``.
        embedding: Places of the 68 landmarks, after ``setup``.
    """

    sample_name: ClassVar[str] = SAMPLE_NAME
    sample_version: ClassVar[str] = SAMPLE_VERSION
    dataset_source: ClassVar[str] = "VOCASET, the expressions and EmoVOCA as the README says"

    hierarchy: MeshHierarchy
    embedding: LandmarkEmbedding

    def __init__(
        self,
        root: str | None = None,
        template: str | None = None,
        split: dict[str, list[str]] | None = None,
        batch_size: int = 64,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(root, batch_size, num_workers, seed)
        self.template = None if template is None else Path(template).expanduser()
        self.split = read_split(split)
        self.parts: dict[PartName, Dataset[dict[str, Any]]] = {}

    @classmethod
    def check(cls, root: Path, full: bool = False) -> DataReport:
        """Look at everything below a folder that builder and trainings read.

        Args:
            root: Folder in the published layout, or a store.
            full: Read every file to its end, not only its beginning.
        """
        from lightning_face_emovoca.data.check import check_emovoca

        return check_emovoca(root, full=full)

    @property
    def faces(self) -> NDArray[np.int64]:
        """Triangles of the heads ``(triangles, 3)``, after ``setup``."""
        return self.hierarchy.faces[0]

    def write_sample(self, root: Path) -> None:
        """Write the bundled sample."""
        write_sample(root)

    def train_dataloader(self) -> ResumableLoader:
        """Loader of the training samples, shuffled."""
        return self.loader(self.parts["train"], train=True)

    def val_dataloader(self) -> ResumableLoader:
        """Loader of the validation sequences."""
        return self.sequence_loader("validation")

    def test_dataloader(self) -> ResumableLoader:
        """Loader of the test sequences."""
        return self.sequence_loader("test")

    def predict_dataloader(self) -> ResumableLoader:
        """Loader of the test sequences."""
        return self.sequence_loader("test")

    def sequence_loader(self, part: PartName) -> ResumableLoader:
        """Return the loader of whole sequences, one a batch.

        Args:
            part: Part of the split.
        """
        return self.loader(self.parts[part], False, collate_sequences, batch_size=1)

    def report(self, level: int, message: str, *values: object) -> None:
        """Log a line once, not on every process.

        Args:
            level: Level of the line.
            message: Text with places for the values.
            *values: The values.
        """
        if self.trainer is None or self.trainer.is_global_zero:
            log.log(level, message, *values)

    def report_left_out(self, what: str, left_out: Mapping[str, Sequence[str]]) -> None:
        """Say in one line what is not used.

        Args:
            what: What it is, in the plural.
            left_out: Names by the reason.
        """
        if left_out:
            reasons = [
                f"{len(names)} {reason} ({', '.join(names[:_LISTED])}"
                f"{', ...' if len(names) > _LISTED else ''})"
                for reason, names in left_out.items()
            ]
            self.report(logging.WARNING, "%s left out: %s", what, "; ".join(reasons))


class VariantsDataModule(EmotionalDataModule):
    """Data module of emotional sequences, of a folder or a store.

    A subclass makes the datasets of ``sequences``.

    Args:
        root: Folder in the published layout, or a store; null means the bundled synthetic sample.
        template: Folder of mesh hierarchy and landmarks; null means their place in ``root``.
        split: Actors of each part; null means the published split.
        num_emotions: Emotions that networks tell apart: 11, or 12 with the neutral one.
        num_intensities: Intensities that networks tell apart.
        batch_size: Samples per batch and process in training.
        num_workers: Worker processes per loader.
        seed: Seed of the order.
    """

    needs_vertices: ClassVar[bool]

    def __init__(
        self,
        root: str | None = None,
        template: str | None = None,
        split: dict[str, list[str]] | None = None,
        num_emotions: int = 11,
        num_intensities: int = 3,
        batch_size: int = 64,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(root, template, split, batch_size, num_workers, seed)
        self.num_emotions = num_emotions
        self.num_intensities = num_intensities

    def prepare_data(self) -> None:
        """Write the sample where it is needed, and say what is left out.

        Raises:
            DataError: A file is missing or damaged.
        """
        super().prepare_data()
        source = open_variants(self.folder, self.template, self.needs_vertices)
        # prepares the sounds on the way, so that processes do not all do it
        source.variants([actor for part in PARTS for actor in self.split[part]])
        self.report_left_out("emotional sequences", source.left_out)

    def setup(self, stage: str) -> None:
        """Find the sequences of a stage and check everything they are made of.

        Args:
            stage: ``fit``, ``validate``, ``test`` or ``predict``.

        Raises:
            DataError: A file is missing, damaged or contradicts another one, or no sequence is
                left for a part of the split.
            ConfigError: A sequence has an emotion or intensity that networks do not know.
        """
        source = open_variants(self.folder, self.template, self.needs_vertices)
        self.hierarchy, self.embedding = source.hierarchy, source.embedding
        for part in parts_of(stage):
            variants = source.variants(self.split[part])
            if not variants:
                raise DataError(
                    f"no emotional sequence of the actors for {part} is in {source.place}: "
                    "set data.split, or see lightning-face data check"
                )
            for variant in variants:
                variant.conditions(self.num_emotions, self.num_intensities)
            actors = {variant.actor for variant in variants}
            line = "%s: %d sequences of %d actors"
            self.report(logging.INFO, line, part, len(variants), len(actors))
            self.parts[part] = self.dataset(source, variants, part)

    @abstractmethod
    def dataset(
        self, source: VariantSource, variants: Sequence[Variant], part: PartName
    ) -> Dataset[dict[str, Any]]:
        """Return the dataset of a part.

        Args:
            source: Where the sequences come from.
            variants: The sequences.
            part: Part of the split.
        """
