"""Pictures with their label maps, as the page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightning_face_sis.data.celebamask_hq import CelebAMaskHQDataModule
from lightning_face_sis.data.dataset import LabelledImages, LabelledPicture, Labelling
from lightning_face_sis.data.transforms import Preprocessing
from lightning_face_sis.to_image import to_picture

__all__ = ["Labels", "Photo", "example_photos", "read_photo"]

Labels = NDArray[np.uint8]
"""Class numbers ``(height, width)``."""


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture and what is where in it, of one size.

    Attributes:
        image: The picture in mode ``RGB``.
        labels: Class numbers ``(height, width)``.
    """

    image: Image.Image
    labels: Labels


def read_photo(picture: LabelledPicture, labelling: Labelling, size: tuple[int, int]) -> Photo:
    """Read a picture and its label map and bring both to one size.

    Args:
        picture: The files; the label map may have fewer or more pixels than the picture, but has
            to be of the same shape.
        labelling: What the values in the label map mean.
        size: Height and width to make.

    Returns:
        The picture, resized bicubically, and its label map, by the nearest pixel.

    Raises:
        DataError: A file is damaged or of another kind, the two do not fit, or a class number is
            too high.
    """
    sample = LabelledImages([picture], Preprocessing.to_size(*size), labelling)[0]
    return Photo(to_picture(sample["images"], "nearest"), sample["labels"][0].numpy())


def example_photos(root: Path | None, count: int, size: tuple[int, int]) -> list[Photo]:
    """Read test faces of CelebAMask-HQ.

    Args:
        root: Folder of the data set; None takes the bundled sample.
        count: How many to read.
        size: Height and width to make.

    Raises:
        DataError: There is no data set, or a file is damaged.
    """
    faces = CelebAMaskHQDataModule(None if root is None else str(root))
    faces.prepare_data()
    chosen = faces.list_pictures(["test"])["test"][:count]
    return [read_photo(picture, faces.labelling, size) for picture in chosen]
