"""What the data modules of scenes have in common: listed pairs of files, and their check."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from lightning_face_sis.data.dataset import LabelledPicture, Labelling
from lightning_face_sis.data.labelled_images import LabelledImagesDataModule, PartName

if TYPE_CHECKING:
    from lightning_face.data.check import DataReport

__all__ = ["SceneDataModule"]


class SceneDataModule(LabelledImagesDataModule):
    """Pictures and label maps in files of their own.

    A subclass says what its label maps mean and lists the files of a part.
    """

    file_labelling: ClassVar[Labelling]
    file_class_names: ClassVar[tuple[str, ...]]

    @classmethod
    @abstractmethod
    def list_part(cls, root: Path, part: PartName) -> list[LabelledPicture]:
        """List the pictures of a part of the data set.

        Args:
            root: Folder of the data.
            part: ``train`` or ``test``.

        Raises:
            DataError: If files are missing or have no partner.
        """

    @classmethod
    def check(cls, root: Path, full: bool = False) -> DataReport:
        """Look at everything that training and evaluation read.

        Args:
            root: Folder of the data.
            full: Decode every picture and label map, not only some.

        Raises:
            DataError: If files are missing or have no partner.
        """
        from lightning_face.data.check import DataReport
        from lightning_face_sis.data.file_check import check_pictures

        parts: tuple[PartName, ...] = ("train", "test")
        pictures = {part: cls.list_part(root, part) for part in parts}
        report = DataReport({f"{part} pictures": len(found) for part, found in pictures.items()})
        everything = [picture for found in pictures.values() for picture in found]
        check_pictures(report, everything, cls.file_labelling, cls.file_class_names, full)
        return report

    def list_pictures(self, parts: Sequence[PartName]) -> dict[PartName, list[LabelledPicture]]:
        """List the pictures of some parts of the data set.

        Args:
            parts: ``train``, ``test`` or both.

        Raises:
            DataError: If files are missing or have no partner.
        """
        root = self.folder
        return {part: self.list_part(root, part) for part in parts}
