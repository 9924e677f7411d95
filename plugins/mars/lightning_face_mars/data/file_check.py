"""A quick look at the pictures of a part before a run starts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from lightning_face.data.image_folder import check_images
from lightning_face.errors import DataError
from lightning_face_mars.data.transforms import read_person

__all__ = ["PictureCheck", "check_pictures", "sort_pictures"]

_SHOWN = 3


class PictureCheck(NamedTuple):
    """Outcome of looking at pictures.

    Attributes:
        truncated: Files that end early, but whose beginning can be used.
        bad: Files that cannot be read, each with the reason.
    """

    truncated: list[Path]
    bad: list[tuple[Path, str]]


def check_pictures(files: Sequence[Path]) -> PictureCheck:
    """Refuse pictures that are missing or cannot be read; only their ends are looked at.

    Args:
        files: Files of the pictures.

    Returns:
        The truncated ones; none is bad.

    Raises:
        DataError: A file is missing, empty or no picture.
    """
    found = sort_pictures(files)
    if found.bad:
        shown = "; ".join(f"{path}: {reason}" for path, reason in found.bad[:_SHOWN])
        more = "; ..." if len(found.bad) > _SHOWN else ""
        raise DataError(
            f"{len(found.bad)} of {len(files)} pictures cannot be read: {shown}{more}; get them "
            "again, or take their records out of the file"
        )
    return found


def sort_pictures(files: Sequence[Path]) -> PictureCheck:
    """Find the pictures that are truncated or cannot be read; only their ends are looked at.

    Args:
        files: Files of the pictures.
    """
    truncated, bad = [], []
    for path, reason in check_images(files).bad:
        try:
            read_person(path)
        except DataError:
            bad.append((path, reason))
        else:
            truncated.append(path)
    return PictureCheck(truncated, bad)
