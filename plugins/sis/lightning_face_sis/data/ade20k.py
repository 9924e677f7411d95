"""ADE20K for training, evaluation and prediction."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from lightning_face.errors import ConfigError, DataError
from lightning_face_sis.data.ade20k_classes import CLASS_NAMES
from lightning_face_sis.data.dataset import LabelFile, LabelledPicture, Labelling
from lightning_face_sis.data.labelled_images import PartName
from lightning_face_sis.data.pairing import list_files, pair_files
from lightning_face_sis.data.scene_sample import SCENE_PARTS, write_scenes
from lightning_face_sis.data.scenes import SceneDataModule
from lightning_face_sis.data.transforms import Preprocessing, PreprocessMode

__all__ = ["ADE20KDataModule", "ADELabels"]

ADELabels = Literal["shifted", "reference"]

_NUM_LABELS = len(CLASS_NAMES)
_LABELLINGS: dict[ADELabels, Labelling] = {
    "shifted": Labelling(_NUM_LABELS, has_unknown=True, shifted=True),
    "reference": Labelling(_NUM_LABELS, has_unknown=True),
}
_NAMES: dict[ADELabels, tuple[str, ...]] = {
    "shifted": (*CLASS_NAMES, "unknown"),
    "reference": ("unknown", *CLASS_NAMES),
}
_MARKS: dict[PartName, str] = {"train": "_train_", "test": "_val_"}
# label maps of the parts of objects, which the full data set has as well
_PARTS_MARK = "_parts_"


class ADE20KDataModule(SceneDataModule):
    """Scenes with 150 classes and an unknown one: the data of the scene parsing challenge.

    Expected at any depth below ``root``, told apart by their names::

        images/training/ADE_train_00000001.jpg      annotations/training/ADE_train_00000001.png
        images/validation/ADE_val_00000001.jpg      annotations/validation/ADE_val_00000001.png

    A batch is described at :class:`lightning_face_sis.data.dataset.PictureSample`. Validation and
    test take the validation pictures.

    Args:
        root: Folder of the data, ``ADEChallengeData2016``; null means the bundled sample.
        ade_labels: ``shifted`` numbers the classes from 0 and the unknown one 150. ``reference``
            keeps the values of the files, 0 for unknown and 150 for the last class, which the
            published code does in effect.
        preprocess_mode: How training pictures get their size, see
            :class:`lightning_face_sis.data.transforms.Preprocessing`.
        load_size: Side in pixels that training pictures are resized to.
        crop_size: Side in pixels of the square cut out of that, and of all other pictures.
        flip: Mirror every second training picture, by chance.
        val_images: Pictures of a validation.
        batch_size: Pictures per batch and process.
        num_workers: Worker processes per loader.
        seed: Seed of the order and of the augmentation.

    Raises:
        ConfigError: If ``ade_labels`` is another word.

    Source:
        Zhou et al., "Scene Parsing through ADE20K Dataset"; sizes are those of the published code
        of CA2-SIS.
    """

    sample_name: ClassVar[str] = "ade20k"
    dataset_source: ClassVar[str] = "ADEChallengeData2016 from http://sceneparsing.csail.mit.edu"
    file_labelling: ClassVar[Labelling] = _LABELLINGS["shifted"]
    file_class_names: ClassVar[tuple[str, ...]] = _NAMES["shifted"]

    def __init__(
        self,
        root: str | None = None,
        ade_labels: ADELabels = "shifted",
        preprocess_mode: PreprocessMode = "resize_and_crop",
        load_size: int = 286,
        crop_size: int = 256,
        flip: bool = True,
        val_images: int = 100,
        batch_size: int = 2,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        if ade_labels not in _LABELLINGS:
            raise ConfigError(
                f"data.ade_labels {ade_labels!r} is unknown: choose shifted or reference"
            )
        super().__init__(
            root=root,
            preprocessing=Preprocessing(preprocess_mode, load_size, crop_size),
            labelling=_LABELLINGS[ade_labels],
            class_names=_NAMES[ade_labels],
            flip=flip,
            swap_sides_on_flip=False,
            val_images=val_images,
            batch_size=batch_size,
            num_workers=num_workers,
            seed=seed,
        )
        self.ade_labels = ade_labels

    def write_sample(self, root: Path) -> None:
        """Write the bundled sample."""
        names = {"hill": "mountain"}
        labels = {
            # classes begin at 1 in the files
            part: CLASS_NAMES.index(names.get(part, part)) + 1
            for part in SCENE_PARTS
            if part != "unknown"
        }
        files = [
            (
                root / "images" / folder / f"ADE_{mark}_{number:08d}.jpg",
                root / "annotations" / folder / f"ADE_{mark}_{number:08d}.png",
            )
            for mark, folder, count in (("train", "training", 32), ("val", "validation", 8))
            for number in range(1, count + 1)
        ]
        write_scenes(files, labels | {"unknown": 0}, size=(96, 80))

    @classmethod
    def list_part(cls, root: Path, part: PartName) -> list[LabelledPicture]:
        """List the pictures of a part of the data set.

        Args:
            root: Folder of the data.
            part: ``train`` or ``test``.

        Raises:
            DataError: If files are missing or have no partner.
        """
        mark = _MARKS[part]
        files = [
            path
            for path in list_files(root, (".jpg", ".png"), recursive=True)
            if mark in path.name and _PARTS_MARK not in path.name
        ]
        if not files:
            raise DataError(f"{root} has no file named like ADE{mark}00000001.jpg")
        pairs = pair_files(
            [path for path in files if path.suffix.lower() == ".png"],
            [path for path in files if path.suffix.lower() == ".jpg"],
            lambda path: path.stem,
            lambda path: path.stem,
        )
        return [LabelledPicture(image, LabelFile(label)) for label, image in pairs]
