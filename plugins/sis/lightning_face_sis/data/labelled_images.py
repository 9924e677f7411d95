"""What the data modules of pictures with label maps have in common."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from lightning_face.data import FaceDataModule, ResumableLoader
from lightning_face.errors import ConfigError
from lightning_face_sis.data.dataset import (
    LabelledImages,
    LabelledPicture,
    Labelling,
    collate_pictures,
)
from lightning_face_sis.data.file_check import check_files
from lightning_face_sis.data.transforms import Preprocessing

__all__ = ["LabelledImagesDataModule", "PartName"]

log = logging.getLogger(__name__)

PartName = Literal["train", "test"]

# label maps that are decoded before a run starts; all others are when they are first used
_DECODED = 32


class LabelledImagesDataModule(FaceDataModule):
    """Pictures with label maps.

    A batch is a dictionary, see :class:`lightning_face_sis.data.dataset.PictureSample`::

        images   float32 (batch, 3, height, width)   RGB in -1..1
        labels   uint8 (batch, 1, height, width)     0 .. num_classes - 1
        files    list[str]                           file of each picture
        persons  int64 (batch,)                      only where the data set tells who is shown

    The published recipes have no validation set: the first pictures of the test are used.

    Args:
        root: Folder of the data; null means the bundled synthetic sample.
        preprocessing: How training pictures get their size; others are brought to ``crop_size``
            without a cut.
        labelling: What the label maps mean.
        class_names: Name of every class.
        flip: Mirror every second picture in training, by chance.
        swap_sides_on_flip: Exchange left and right classes of a mirrored picture.
        val_images: Pictures of a validation.
        batch_size: Pictures per batch and process.
        num_workers: Worker processes per loader.
        seed: Seed of the order and of the augmentation.

    Attributes:
        num_classes: Number of classes of the network.
        class_names: Name of every class.
        left_right_pairs: Classes that change places when a picture is mirrored.
    """

    def __init__(
        self,
        root: str | None,
        preprocessing: Preprocessing,
        labelling: Labelling,
        class_names: Sequence[str],
        flip: bool,
        swap_sides_on_flip: bool,
        val_images: int,
        batch_size: int,
        num_workers: int,
        seed: int,
    ) -> None:
        super().__init__(root, batch_size, num_workers, seed)
        if val_images < 1:
            raise ConfigError(f"data.val_images {val_images} is not positive")
        cuts = preprocessing.mode.endswith("and_crop")
        if cuts and preprocessing.crop_size > preprocessing.load_size:
            raise ConfigError(
                f"data.crop_size {preprocessing.crop_size} is larger than data.load_size "
                f"{preprocessing.load_size}"
            )
        self.preprocessing = preprocessing
        self.labelling = labelling
        self.num_classes = labelling.num_classes
        self.class_names = tuple(class_names)
        self.left_right_pairs = labelling.left_right_pairs
        self.flip = flip
        self.swap_sides_on_flip = swap_sides_on_flip
        self.val_images = val_images
        self.parts: dict[str, LabelledImages] = {}

    @abstractmethod
    def list_pictures(self, parts: Sequence[PartName]) -> dict[PartName, list[LabelledPicture]]:
        """List the pictures of some parts of the data set.

        Args:
            parts: ``train``, ``test`` or both.

        Raises:
            DataError: If files are missing or have no partner.
        """

    def setup(self, stage: str) -> None:
        """Find the pictures of a stage and check their files.

        Args:
            stage: ``fit``, ``validate``, ``test`` or ``predict``.

        Raises:
            DataError: If a file is missing or damaged, or a label map does not fit.
        """
        pictures = self.list_pictures(("train", "test") if stage == "fit" else ("test",))
        if stage == "fit":
            self.parts["train"] = self._dataset(pictures["train"], training=True)
        if stage in ("fit", "validate"):
            self.parts["validation"] = self._dataset(pictures["test"][: self.val_images])
        else:
            self.parts["test"] = self._dataset(pictures["test"])

    def train_dataloader(self) -> ResumableLoader:
        """Loader of the training pictures, shuffled."""
        return self._loader("train", train=True)

    def val_dataloader(self) -> ResumableLoader:
        """Loader of the first test pictures."""
        return self._loader("validation", train=False)

    def test_dataloader(self) -> ResumableLoader:
        """Loader of the test pictures."""
        return self._loader("test", train=False)

    def predict_dataloader(self) -> ResumableLoader:
        """Loader of the test pictures."""
        return self._loader("test", train=False)

    def report(self, level: int, message: str, *values: object) -> None:
        """Log a line once, not on every process.

        Args:
            level: Level of the line.
            message: Text with places for the values.
            *values: The values.
        """
        if self.trainer is None or self.trainer.is_global_zero:
            log.log(level, message, *values)

    def _loader(self, part: str, train: bool) -> ResumableLoader:
        return self.loader(self.parts[part], train, collate_pictures)

    def _dataset(
        self, pictures: Sequence[LabelledPicture], training: bool = False
    ) -> LabelledImages:
        """Check the files of some pictures and make a dataset of them."""
        check_files(pictures)
        preprocessing = self.preprocessing
        if not training:
            preprocessing = replace(preprocessing, load_size=preprocessing.crop_size)
        dataset = LabelledImages(
            pictures,
            preprocessing,
            self.labelling,
            random=training,
            mirror=training and self.flip,
            swap_sides=self.swap_sides_on_flip,
            seed=self.seed,
            frozen=bool(getattr(self.trainer, "overfit_batches", 0)),
        )
        for index in np.linspace(0, len(pictures) - 1, _DECODED).astype(int).tolist():
            label = pictures[index].label
            dataset.check_classes(label.read(), label.path)
        return dataset
