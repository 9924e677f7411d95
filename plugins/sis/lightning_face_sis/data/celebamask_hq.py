"""CelebAMask-HQ for training, evaluation and prediction."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from lightning_face_sis.data.celebamask_classes import CLASS_NAMES, LEFT_RIGHT_PAIRS
from lightning_face_sis.data.celebamask_layout import is_raw, list_raw_faces
from lightning_face_sis.data.celebamask_split import SplitRule, list_prepared, split_raw
from lightning_face_sis.data.dataset import LabelledPicture, Labelling
from lightning_face_sis.data.labelled_images import LabelledImagesDataModule, PartName
from lightning_face_sis.data.transforms import Preprocessing, PreprocessMode

if TYPE_CHECKING:
    from lightning_face.data.check import DataReport

__all__ = ["CelebAMaskHQDataModule"]


class CelebAMaskHQDataModule(LabelledImagesDataModule):
    """Faces with 19 classes: CelebAMask-HQ as it is distributed, or prepared.

    As distributed, part masks are merged whenever a face is read::

        CelebA-HQ-img/0.jpg                              1024x1024
        CelebAMask-HQ-mask-anno/0/00000_skin.png         512x512, 2000 faces a folder; the spelling
                                                         CelebAMaskHQ-mask-anno is read as well
        CelebAMask-HQ-pose-anno.txt                      the last of its 30,000 lines, 2,000, are
                                                         for the test, and so is 1 in 15 of fewer
        CelebA-HQ-to-CelebA-mapping.txt, identity_CelebA.txt   optional: who is shown

    Prepared, which is several times faster to read, see
    :func:`lightning_face_sis.data.prepare.prepare_celebamask`::

        train/images/0.jpg, train/labels/0.png           class numbers 0 to 18
        test/images/..., test/labels/...

    A batch is described at :class:`lightning_face_sis.data.dataset.PictureSample`; it has
    ``persons`` where the files that tell are there. Validation takes the first test faces.

    Args:
        root: Folder of the data in one of the two layouts; null means the bundled sample.
        preprocess_mode: How training pictures get their size, see
            :class:`lightning_face_sis.data.transforms.Preprocessing`.
        load_size: Side in pixels that training pictures are resized to.
        crop_size: Side in pixels of the square cut out of that, and of all other pictures.
        flip: Mirror every second training picture, by chance.
        swap_sides_on_flip: Exchange the classes of left and right eyes, brows and ears of a
            mirrored picture; the published code does not.
        split: Which faces of the data as distributed are for the test: ``pose`` takes the last of
            the pose file, as CA2-SIS did, ``number`` those of the highest numbers, 28000 to 29999,
            as SCA-DM did.
        val_images: Faces of a validation.
        batch_size: Faces per batch and process.
        num_workers: Worker processes per loader.
        seed: Seed of the order and of the augmentation.

    Source:
        Lee et al., "MaskGAN: Towards Diverse and Interactive Facial Image Manipulation"; split,
        sizes and batch size are those of the published code of CA2-SIS.
    """

    sample_name: ClassVar[str] = "celebamask-hq"
    sample_version: ClassVar[str] = "2"
    dataset_source: ClassVar[str] = (
        "CelebAMask-HQ from https://github.com/switchablenorms/CelebAMask-HQ"
    )

    def __init__(
        self,
        root: str | None = None,
        preprocess_mode: PreprocessMode = "resize_and_crop",
        load_size: int = 286,
        crop_size: int = 256,
        flip: bool = True,
        swap_sides_on_flip: bool = True,
        split: SplitRule = "pose",
        val_images: int = 100,
        batch_size: int = 2,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(
            root=root,
            preprocessing=Preprocessing(preprocess_mode, load_size, crop_size),
            labelling=Labelling(len(CLASS_NAMES), left_right_pairs=LEFT_RIGHT_PAIRS),
            class_names=CLASS_NAMES,
            flip=flip,
            swap_sides_on_flip=swap_sides_on_flip,
            val_images=val_images,
            batch_size=batch_size,
            num_workers=num_workers,
            seed=seed,
        )
        self.split: SplitRule = split

    @classmethod
    def check(cls, root: Path, full: bool = False) -> DataReport:
        """Look at everything that training and evaluation read.

        Args:
            root: Folder of the data in one of the two layouts.
            full: Decode every picture and mask, not only some.

        Raises:
            DataError: If there is no such data set.
        """
        from lightning_face_sis.data.celebamask_check import check_celebamask

        return check_celebamask(root, full)

    def write_sample(self, root: Path) -> None:
        """Write the bundled sample."""
        from lightning_face_sis.data.sample import write_sample

        write_sample(root)

    def list_pictures(self, parts: Sequence[PartName]) -> dict[PartName, list[LabelledPicture]]:
        """List the faces of some parts of the data set.

        Args:
            parts: ``train``, ``test`` or both.

        Raises:
            DataError: If files are missing or have no partner.
        """
        root = self.folder
        if not is_raw(root):
            return {part: list_prepared(root, part) for part in parts}
        faces = list_raw_faces(root)
        for line in faces.left_out():
            self.report(logging.WARNING, line)
        split = split_raw(root, faces, self.split)
        return {part: split[part] for part in parts}
