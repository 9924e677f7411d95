"""Pictures with label maps, as the networks take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypedDict

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from lightning_face.data.image_folder import read_image
from lightning_face.data.randomness import sample_generator
from lightning_face.errors import DataError
from lightning_face_sis.data.label_map import (
    check_labels,
    class_table,
    label_tensor,
    read_label_map,
    side_exchange,
)
from lightning_face_sis.data.transforms import Preprocessing, image_tensor

__all__ = [
    "LabelFile",
    "LabelSource",
    "LabelledImages",
    "LabelledPicture",
    "Labelling",
    "PictureSample",
    "collate_pictures",
]

_ASPECT_TOLERANCE = 0.01


class _WithPerson(TypedDict, total=False):
    persons: Tensor


class PictureSample(_WithPerson):
    """One sample; a batch has the same keys.

    Attributes:
        images: RGB in -1..1, float32 ``(3, height, width)``, in a batch ``(batch, 3, ...)``.
        labels: Classes, ``torch.uint8`` ``(1, height, width)``, in a batch ``(batch, 1, ...)``.
        files: File of the picture; in a batch a list.
        persons: Number of the person shown, int64 ``()``, in a batch ``(batch,)``; left out where
            the data set does not tell.
    """

    images: Tensor
    labels: Tensor
    files: str


class LabelSource(Protocol):
    """Where the label map of a picture comes from."""

    @property
    def path(self) -> Path:
        """File or folder that messages name."""

    @property
    def files(self) -> list[Path]:
        """All files that are read."""

    def read(self) -> Image.Image:
        """Return the values in mode ``L``."""


@dataclass(frozen=True)
class LabelFile:
    """A label map in one file.

    Args:
        path: The file.
    """

    path: Path

    @property
    def files(self) -> list[Path]:
        """The file."""
        return [self.path]

    def read(self) -> Image.Image:
        """Return the values in mode ``L``.

        Raises:
            DataError: If the file is damaged or no label map.
        """
        return read_label_map(self.path)


@dataclass(frozen=True)
class LabelledPicture:
    """A picture and its label map, on disk.

    Args:
        image: File of the picture.
        label: Its label map.
        person: Number of the person shown, where known.
    """

    image: Path
    label: LabelSource
    person: int | None = None

    def check_sizes(self, image: tuple[int, int], label: tuple[int, int]) -> None:
        """Refuse a label map whose shape is not the picture's; the number of pixels may differ.

        Args:
            image: Width and height of the picture.
            label: Width and height of the label map.

        Raises:
            DataError: If width over height differs by more than 1 %.
        """
        ratio = image[0] * label[1] / (image[1] * label[0])
        if abs(ratio - 1) > _ASPECT_TOLERANCE:
            raise DataError(
                f"{self.image} is {image[0]}x{image[1]}, but its label map {self.label.path} "
                f"{label[0]}x{label[1]}: they do not show the same, get both again"
            )


@dataclass(frozen=True)
class Labelling:
    """What the values in the label maps of a data set mean.

    Args:
        num_labels: Number of known classes; pixels of 255 are of the class that follows them.
        has_unknown: Whether that class is one of the network's.
        shifted: Classes begin at 1 in the files, and 0 is unknown like 255.
        left_right_pairs: Classes that change places when a picture is mirrored.
    """

    num_labels: int
    has_unknown: bool = False
    shifted: bool = False
    left_right_pairs: tuple[tuple[int, int], ...] = ()

    @property
    def num_classes(self) -> int:
        """Number of classes of the network."""
        return self.num_labels + self.has_unknown


class LabelledImages(Dataset[PictureSample]):
    """Pictures with label maps; what a sample is depends on (seed, epoch, index) alone.

    Args:
        pictures: Pictures and label maps.
        preprocessing: How they get their size.
        labelling: What the label maps mean.
        random: Draw the place of the cut; otherwise the middle is taken.
        mirror: Mirror every second picture, by chance.
        swap_sides: Exchange left and right classes of a mirrored picture.
        seed: Seed of everything drawn.
        frozen: Draw in every epoch what the first one draws, for overfitting on purpose.
    """

    def __init__(
        self,
        pictures: Sequence[LabelledPicture],
        preprocessing: Preprocessing,
        labelling: Labelling,
        random: bool = False,
        mirror: bool = False,
        swap_sides: bool = True,
        seed: int = 0,
        frozen: bool = False,
    ) -> None:
        self.pictures = list(pictures)
        self.preprocessing = preprocessing
        self.labelling = labelling
        self.random = random
        self.mirror = mirror
        self.seed = seed
        self.frozen = frozen
        self.epoch = 0
        self._table = class_table(labelling.num_labels, labelling.shifted)
        self._exchange = side_exchange(labelling.left_right_pairs if swap_sides else ())

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.pictures)

    @property
    def is_deterministic(self) -> bool:
        """Whether a picture looks the same in every epoch."""
        return not self.mirror and not (self.random and self.preprocessing.cuts)

    def set_epoch(self, epoch: int) -> None:
        """Select the epoch of the samples that are read from now on."""
        self.epoch = 0 if self.frozen else epoch

    def __getitem__(self, index: int) -> PictureSample:
        """Read a picture and its label map.

        Args:
            index: Place in the list.

        Raises:
            DataError: If a file is damaged, the two do not fit, or a label is of no class.
        """
        picture = self.pictures[index]
        image, label = read_image(picture.image), picture.label.read()
        picture.check_sizes(image.size, label.size)
        self.check_classes(label, picture.label.path)
        generator = sample_generator(self.seed, self.epoch, index)
        if image.size != label.size and self.preprocessing.keeps_pixels:
            label = label.resize(image.size, Image.Resampling.NEAREST)
        place = self.preprocessing.draw_crop(*label.size, generator if self.random else None)
        mirror = self.mirror and bool(torch.rand((), generator=generator) < 0.5)
        image = self.preprocessing.apply(image, Image.Resampling.BICUBIC, place, mirror)
        label = self.preprocessing.apply(label, Image.Resampling.NEAREST, place, mirror)
        labels = label_tensor(label, self._table)
        if mirror:
            labels = self._exchange[labels.long()]
        sample: PictureSample = {
            "images": image_tensor(image),
            "labels": labels,
            "files": str(picture.image),
        }
        if picture.person is not None:
            sample["persons"] = torch.tensor(picture.person)
        return sample

    def check_classes(self, label: Image.Image, path: Path) -> None:
        """Refuse a label map with a value of no class.

        Args:
            label: Values in mode ``L``.
            path: Where they come from, for the message.

        Raises:
            DataError: If there is one.
        """
        check_labels(label_tensor(label, self._table), self.labelling.num_classes, path)


def collate_pictures(samples: list[PictureSample]) -> dict[str, Any]:
    """Make a batch of samples.

    Args:
        samples: Samples of one size.

    Raises:
        DataError: If their sizes differ.
    """
    first = samples[0]
    for sample in samples:
        if sample["images"].shape != first["images"].shape:
            sizes = [tuple(each["images"].shape[1:]) for each in (first, sample)]
            raise DataError(
                f"{first['files']} and {sample['files']} are {sizes[0]} and {sizes[1]} after "
                "data.preprocess_mode: use a mode that ends with crop, or a batch size of 1"
            )
    batch: dict[str, Any] = default_collate(list(samples))
    return batch
