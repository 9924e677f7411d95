"""CelebAMask-HQ as its authors distribute it: a folder of pictures, folders of part masks."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightning_face.data.image_folder import read_image
from lightning_face.errors import DataError
from lightning_face_sis.data.celebamask_classes import PART_NAMES
from lightning_face_sis.data.part_masks import merge_part_masks

__all__ = [
    "FACES_PER_FOLDER",
    "IMAGE_FOLDER",
    "MASK_FOLDERS",
    "POSE_FILE",
    "FaceMasks",
    "RawFaces",
    "count_test_faces",
    "is_raw",
    "list_raw_faces",
    "mask_path",
    "read_pose_order",
]

IMAGE_FOLDER = "CelebA-HQ-img"
MASK_FOLDERS = ("CelebAMask-HQ-mask-anno", "CelebAMaskHQ-mask-anno")
"""Spellings of the folder of the part masks: the authors', and that of the published script."""

POSE_FILE = "CelebAMask-HQ-pose-anno.txt"
FACES_PER_FOLDER = 2000

_HEADER_LINES = 2
_ANGLES = 3
# 2,000 of 30,000
_FACES_PER_TEST_FACE = 15
_SHOWN = 3


@dataclass(frozen=True)
class FaceMasks:
    """The part masks of one face.

    Args:
        folder: Folder of the part masks of all faces.
        number: Number of the face.
        parts: Parts that have a file.
    """

    folder: Path
    number: int
    parts: tuple[str, ...]

    @property
    def path(self) -> Path:
        """Pattern of the files, for messages."""
        return mask_path(self.folder, self.number, "*")

    @property
    def files(self) -> list[Path]:
        """The files."""
        return [mask_path(self.folder, self.number, part) for part in self.parts]

    def read_masks(self) -> dict[str, NDArray[np.uint8]]:
        """Return the first channel ``(height, width)`` of every mask, under the name of its part.

        Raises:
            DataError: If a file is damaged, or its size is not that of the other parts.
        """
        masks = {part: _read_mask(path) for part, path in zip(self.parts, self.files, strict=True)}
        first = masks[self.parts[0]].shape
        for path, mask in zip(self.files, masks.values(), strict=True):
            if mask.shape != first:
                raise DataError(
                    f"{path} is {mask.shape[1]}x{mask.shape[0]}, but {self.files[0].name} "
                    f"{first[1]}x{first[0]}: get them again"
                )
        return masks

    def read(self) -> Image.Image:
        """Merge the parts into a label map.

        Returns:
            Class numbers in mode ``L``.

        Raises:
            DataError: If a file is damaged, or its size is not that of the other parts.
        """
        return Image.fromarray(merge_part_masks(self.read_masks()))


@dataclass
class RawFaces:
    """The faces of a folder.

    Attributes:
        images: Picture of every face, by number.
        masks: Part masks of every face, by number.
        empty: Mask files without a byte; the part counts as absent.
        strange: Files in the folders of the masks that belong to no face and part.
    """

    images: dict[int, Path] = field(default_factory=dict)
    masks: dict[int, FaceMasks] = field(default_factory=dict)
    empty: list[Path] = field(default_factory=list)
    strange: list[Path] = field(default_factory=list)

    def check_pairs(self, order: Sequence[int]) -> None:
        """Refuse faces without picture or masks.

        Args:
            order: Faces that there must be, see :func:`read_pose_order`.

        Raises:
            DataError: If one has no picture, or no mask.
        """
        for number in order:
            if number not in self.images:
                raise DataError(f"{POSE_FILE} names {number}.jpg, which {IMAGE_FOLDER} has not")
            if number not in self.masks:
                raise DataError(f"{self.images[number]} has no part mask named {number:05d}_*.png")
        left = sorted(set(self.images) - set(order))
        if left:
            raise DataError(f"{self.images[left[0]]} is not named in {POSE_FILE}")

    def left_out(self) -> list[str]:
        """Return a line about every kind of files left out; the data set is known to have such."""
        return [
            f"{len(files)} mask files are {what} and left out: "
            + ", ".join(map(str, files[:_SHOWN]))
            + (", ..." if files[_SHOWN:] else "")
            for what, files in (("empty", self.empty), ("of no face and part", self.strange))
            if files
        ]


def is_raw(root: Path) -> bool:
    """Tell whether a folder has the layout of the authors.

    Args:
        root: Folder.
    """
    return (root / IMAGE_FOLDER).is_dir()


def mask_path(folder: Path, number: int, part: str) -> Path:
    """Return the file of the mask of a part of a face.

    Args:
        folder: Folder of all part masks.
        number: Number of the face.
        part: Name of the part.
    """
    return folder / str(number // FACES_PER_FOLDER) / f"{number:05d}_{part}.png"


def list_raw_faces(root: Path) -> RawFaces:
    """List pictures and part masks.

    Args:
        root: Folder that holds ``CelebA-HQ-img`` and ``CelebAMask-HQ-mask-anno``.

    Raises:
        DataError: If one of the two is missing or holds nothing.
    """
    faces = RawFaces()
    folder = root / IMAGE_FOLDER
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder: put the pictures of CelebAMask-HQ there")
    for entry in os.scandir(folder):
        if match := re.fullmatch(r"(\d+)\.jpg", entry.name):
            faces.images[int(match[1])] = Path(entry.path)
    if not faces.images:
        raise DataError(f"{folder} has no picture named like 0.jpg")
    annotations = next((root / name for name in MASK_FOLDERS if (root / name).is_dir()), None)
    if annotations is None:
        raise DataError(
            f"{root / MASK_FOLDERS[0]} is not a folder: put the part masks of CelebAMask-HQ there"
        )
    parts: dict[int, list[str]] = {}
    for subfolder in sorted(path for path in annotations.iterdir() if path.is_dir()):
        for entry in sorted(os.scandir(subfolder), key=lambda each: each.name):
            match = re.fullmatch(r"(\d{5,})_(\w+)\.png", entry.name)
            number = int(match[1]) if match else -1
            expected = str(number // FACES_PER_FOLDER) == subfolder.name
            if match is None or match[2] not in PART_NAMES or not expected:
                faces.strange.append(Path(entry.path))
            elif entry.stat().st_size == 0:
                faces.empty.append(Path(entry.path))
            else:
                parts.setdefault(number, []).append(match[2])
    if not parts:
        raise DataError(f"{annotations} has no mask named like 0/00000_skin.png")
    faces.masks = {
        number: FaceMasks(annotations, number, tuple(names)) for number, names in parts.items()
    }
    return faces


def read_pose_order(root: Path) -> list[int]:
    """Return the numbers of the faces in the order of the pose file.

    Args:
        root: Folder that holds ``CelebAMask-HQ-pose-anno.txt``.

    Raises:
        DataError: If the file is missing, damaged, or names a face twice.
    """
    path = root / POSE_FILE
    if not path.is_file():
        raise DataError(
            f"{path} does not exist: it is part of CelebAMask-HQ and says which faces are for the "
            "test"
        )
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    order: dict[int, int] = {}
    for line_number, line in enumerate(lines[_HEADER_LINES:], start=_HEADER_LINES + 1):
        fields = line.split()
        if not fields:
            continue
        match = re.fullmatch(r"(\d+)\.(jpg|png)", fields[0])
        if match is None or not _are_numbers(fields[1:]):
            raise DataError(
                f"{path}, line {line_number}: expected a file name and three angles, like "
                f"'0.jpg -1.5 3.0 0.2', got {line.strip()[:60]!r}"
            )
        number = int(match[1])
        if number in order:
            raise DataError(
                f"{path}, line {line_number}: {fields[0]} is named again, after line "
                f"{order[number]}"
            )
        order[number] = line_number
    if not order:
        raise DataError(f"{path} names no face: get it again")
    if lines[0].strip().isdecimal() and int(lines[0]) != len(order):
        raise DataError(
            f"{path} announces {int(lines[0])} faces, but names {len(order)}: get it again"
        )
    return list(order)


def count_test_faces(count: int) -> int:
    """Return how many faces, the last of the pose file, are for the test.

    Args:
        count: Number of all faces: 2,000 of the 30,000, and as large a share of fewer.
    """
    return max(1, count // _FACES_PER_TEST_FACE)


def _are_numbers(fields: list[str]) -> bool:
    try:
        return len([float(field) for field in fields]) == _ANGLES
    except ValueError:
        return False


def _read_mask(path: Path) -> NDArray[np.uint8]:
    # all channels of a mask are equal
    return np.asarray(read_image(path))[:, :, 2]
