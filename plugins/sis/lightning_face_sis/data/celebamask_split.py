"""Which faces of CelebAMask-HQ are trained on, and which are tests."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from lightning_face.errors import DataError
from lightning_face_sis.data.celebamask_layout import (
    IMAGE_FOLDER,
    RawFaces,
    count_test_faces,
    read_pose_order,
)
from lightning_face_sis.data.dataset import LabelFile, LabelledPicture
from lightning_face_sis.data.identities import read_persons
from lightning_face_sis.data.labelled_images import PartName
from lightning_face_sis.data.pairing import list_files, pair_files

__all__ = ["SplitRule", "list_prepared", "split_raw"]

SplitRule = Literal["pose", "number"]
"""Whether the last faces of the pose file are for the test, or those of the highest numbers."""


def list_prepared(root: Path, part: PartName) -> list[LabelledPicture]:
    """List the faces of a part of CelebAMask-HQ prepared.

    Args:
        root: Folder that holds ``train`` and ``test``.
        part: ``train`` or ``test``.

    Raises:
        DataError: If the folders are not there, or a file has no partner.
    """
    folder = root / part
    if not folder.is_dir():
        raise DataError(
            f"{root} holds neither {IMAGE_FOLDER}, as CelebAMask-HQ is distributed, nor {part}, as "
            "lightning-face sis prepare writes it"
        )
    pairs = pair_files(
        list_files(folder / "labels", (".png",)),
        list_files(folder / "images", (".jpg", ".jpeg", ".png")),
        lambda path: path.stem,
        lambda path: path.stem,
    )
    persons = read_persons(root)
    return [
        LabelledPicture(image, LabelFile(label), _person(persons, image)) for label, image in pairs
    ]


def split_raw(
    root: Path, faces: RawFaces, rule: SplitRule = "pose"
) -> dict[PartName, list[LabelledPicture]]:
    """Split the faces of CelebAMask-HQ as it is distributed.

    Args:
        root: Folder of the data.
        faces: Its pictures and masks.
        rule: Which faces are for the test.

    Returns:
        The faces of each part, in the order of the pose file or of their numbers.

    Raises:
        DataError: If the pose file is damaged, or a face has no picture or no mask.
    """
    order = read_pose_order(root)
    if rule == "number":
        order = sorted(order)
    faces.check_pairs(order)
    persons = read_persons(root)
    pictures = [
        LabelledPicture(
            faces.images[number], faces.masks[number], _person(persons, faces.images[number])
        )
        for number in order
    ]
    border = len(order) - count_test_faces(len(order))
    return {"train": pictures[:border], "test": pictures[border:]}


def _person(persons: dict[int, int], image: Path) -> int | None:
    if not persons:
        return None
    number = int(image.stem) if image.stem.isdecimal() else -1
    if number not in persons:
        raise DataError(f"the files that tell who is shown do not name {image}")
    return persons[number]
