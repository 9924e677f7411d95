"""Cityscapes for training, evaluation and prediction."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from lightning_face_sis.data.cityscapes_classes import CLASS_NAMES
from lightning_face_sis.data.dataset import LabelFile, LabelledPicture, Labelling
from lightning_face_sis.data.labelled_images import PartName
from lightning_face_sis.data.pairing import list_files, pair_files
from lightning_face_sis.data.scene_sample import SCENE_PARTS, write_scenes
from lightning_face_sis.data.scenes import SceneDataModule
from lightning_face_sis.data.transforms import Preprocessing, PreprocessMode

__all__ = ["CityscapesDataModule"]

_FOLDERS: dict[PartName, str] = {"train": "train", "test": "val"}
_NAME_PARTS = 3


class CityscapesDataModule(SceneDataModule):
    """Streets with 35 labels, or 34, twice as wide as high.

    Expected below ``root``; other files beside them are not read::

        leftImg8bit/train/<city>/<city>_<sequence>_<frame>_leftImg8bit.png
        gtFine/train/<city>/<city>_<sequence>_<frame>_gtFine_labelIds.png
        leftImg8bit/val/..., gtFine/val/...

    A batch is described at :class:`lightning_face_sis.data.dataset.PictureSample`. Validation and
    test take the pictures of ``val``.

    Args:
        root: Folder that holds ``leftImg8bit`` and ``gtFine``; null means the bundled sample.
        preprocess_mode: How training pictures get their size, see
            :class:`lightning_face_sis.data.transforms.Preprocessing`.
        load_size: Side in pixels before the cut of the modes that have one.
        crop_size: Width in pixels of all pictures.
        aspect_ratio: Width over height of all pictures.
        flip: Mirror every second training picture, by chance.
        license_plate: Count the label of licence plates, which is in no file, as a class, as the
            published code of CA2-SIS does; SCA-DM has 34 classes.
        val_images: Pictures of a validation.
        batch_size: Pictures per batch and process.
        num_workers: Worker processes per loader.
        seed: Seed of the order and of the augmentation.

    Source:
        Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding"; sizes are
        those of the published code of CA2-SIS.
    """

    sample_name: ClassVar[str] = "cityscapes"
    dataset_source: ClassVar[str] = (
        "leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip from "
        "https://www.cityscapes-dataset.com"
    )
    file_labelling: ClassVar[Labelling] = Labelling(len(CLASS_NAMES))
    file_class_names: ClassVar[tuple[str, ...]] = CLASS_NAMES

    def __init__(
        self,
        root: str | None = None,
        preprocess_mode: PreprocessMode = "fixed",
        load_size: int = 512,
        crop_size: int = 512,
        aspect_ratio: float = 2.0,
        flip: bool = True,
        license_plate: bool = True,
        val_images: int = 100,
        batch_size: int = 2,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        names = CLASS_NAMES if license_plate else CLASS_NAMES[:-1]
        super().__init__(
            root=root,
            preprocessing=Preprocessing(preprocess_mode, load_size, crop_size, aspect_ratio),
            labelling=Labelling(len(names)),
            class_names=names,
            flip=flip,
            swap_sides_on_flip=False,
            val_images=val_images,
            batch_size=batch_size,
            num_workers=num_workers,
            seed=seed,
        )

    def write_sample(self, root: Path) -> None:
        """Write the bundled sample."""
        names = {"hill": "terrain", "grass": "terrain", "tree": "vegetation"}
        names |= {"unknown": "unlabeled"}
        labels = {part: CLASS_NAMES.index(names.get(part, part)) for part in SCENE_PARTS}
        files = [
            (
                root / "leftImg8bit" / part / city / f"{name}_leftImg8bit.png",
                root / "gtFine" / part / city / f"{name}_gtFine_labelIds.png",
            )
            for part, city, count in (("train", "aachen", 32), ("val", "lindau", 8))
            for name in (f"{city}_{number:06d}_000019" for number in range(count))
        ]
        write_scenes(files, labels, size=(128, 64))

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
            list_files(root / "gtFine" / folder, ("_labelids.png",), recursive=True),
            list_files(root / "leftImg8bit" / folder, ("_leftimg8bit.png",), recursive=True),
            _scene_name,
            _scene_name,
        )
        return [LabelledPicture(image, LabelFile(label)) for label, image in pairs]


def _scene_name(path: Path) -> str:
    """Return city, sequence and frame."""
    return "_".join(path.stem.split("_")[:_NAME_PARTS])
