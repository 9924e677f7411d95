"""COCO-Stuff for training, evaluation and prediction."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from lightning_face_sis.data.coco_stuff_classes import CLASS_NAMES
from lightning_face_sis.data.dataset import LabelFile, LabelledPicture, Labelling
from lightning_face_sis.data.label_map import UNKNOWN
from lightning_face_sis.data.labelled_images import PartName
from lightning_face_sis.data.pairing import list_files, pair_files
from lightning_face_sis.data.scene_sample import SCENE_PARTS, write_scenes
from lightning_face_sis.data.scenes import SceneDataModule
from lightning_face_sis.data.transforms import Preprocessing, PreprocessMode

__all__ = ["COCOStuffDataModule"]

_FOLDERS: dict[PartName, str] = {"train": "train", "test": "val"}


class COCOStuffDataModule(SceneDataModule):
    """Pictures of everything with 182 classes and an unknown one.

    Expected below ``root``, as the SPADE family arranges the files of COCO::

        train_img/000000000009.jpg     train_label/000000000009.png   0 to 181, 255 unknown
        val_img/000000000139.jpg       val_label/000000000139.png

    The folders ``train_inst`` and ``val_inst`` may be there but are not read: the networks take no
    instances. A batch is described at :class:`lightning_face_sis.data.dataset.PictureSample`.
    Validation and test take the pictures of ``val``.

    Args:
        root: Folder of the data; null means the bundled sample.
        preprocess_mode: How training pictures get their size, see
            :class:`lightning_face_sis.data.transforms.Preprocessing`.
        load_size: Side in pixels that training pictures are resized to.
        crop_size: Side in pixels of the square cut out of that, and of all other pictures.
        flip: Mirror every second training picture, by chance.
        val_images: Pictures of a validation.
        batch_size: Pictures per batch and process.
        num_workers: Worker processes per loader.
        seed: Seed of the order and of the augmentation.

    Source:
        Caesar et al., "COCO-Stuff: Thing and Stuff Classes in Context"; sizes are those of the
        published code of CA2-SIS, which names the data set but cannot read it.
    """

    sample_name: ClassVar[str] = "coco-stuff"
    dataset_source: ClassVar[str] = (
        "train2017.zip and val2017.zip from https://cocodataset.org and the label maps "
        "stuffthingmaps_trainval2017.zip from https://github.com/nightrome/cocostuff"
    )
    file_labelling: ClassVar[Labelling] = Labelling(len(CLASS_NAMES), has_unknown=True)
    file_class_names: ClassVar[tuple[str, ...]] = (*CLASS_NAMES, "unknown")

    def __init__(
        self,
        root: str | None = None,
        preprocess_mode: PreprocessMode = "resize_and_crop",
        load_size: int = 286,
        crop_size: int = 256,
        flip: bool = True,
        val_images: int = 100,
        batch_size: int = 2,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(
            root=root,
            preprocessing=Preprocessing(preprocess_mode, load_size, crop_size),
            labelling=self.file_labelling,
            class_names=self.file_class_names,
            flip=flip,
            swap_sides_on_flip=False,
            val_images=val_images,
            batch_size=batch_size,
            num_workers=num_workers,
            seed=seed,
        )

    def write_sample(self, root: Path) -> None:
        """Write the bundled sample."""
        names = {"sky": "sky-other", "building": "building-other", "sidewalk": "pavement"}
        labels = {
            part: CLASS_NAMES.index(names.get(part, part))
            for part in SCENE_PARTS
            if part != "unknown"
        }
        files = [
            (
                root / f"{part}_img" / f"{number:012d}.jpg",
                root / f"{part}_label" / f"{number:012d}.png",
            )
            for part, count in (("train", 32), ("val", 8))
            for number in range(count)
        ]
        write_scenes(files, labels | {"unknown": UNKNOWN}, size=(96, 80))

    @classmethod
    def list_part(cls, root: Path, part: PartName) -> list[LabelledPicture]:
        """List the pictures of a part of the data set.

        Args:
            root: Folder of the data.
            part: ``train`` or ``test``.

        Raises:
            DataError: If files are missing or have no partner.
        """
        folder = _FOLDERS[part]
        pairs = pair_files(
            list_files(root / f"{folder}_label", (".png",)),
            list_files(root / f"{folder}_img", (".jpg",)),
            lambda path: path.stem,
            lambda path: path.stem,
        )
        return [LabelledPicture(image, LabelFile(label)) for label, image in pairs]

    def list_pictures(self, parts: Sequence[PartName]) -> dict[PartName, list[LabelledPicture]]:
        """List the pictures of some parts of the data set.

        Args:
            parts: ``train``, ``test`` or both.

        Raises:
            DataError: If files are missing or have no partner.
        """
        instances = [
            folder for part in parts if (folder := self.folder / f"{_FOLDERS[part]}_inst").is_dir()
        ]
        if instances:
            line = "the instance maps in %s are not read: the networks take no instances"
            self.report(logging.INFO, line, " and ".join(map(str, instances)))
        return super().list_pictures(parts)
