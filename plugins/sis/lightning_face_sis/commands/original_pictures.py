"""The images that were given, shown beside those that were made."""

from __future__ import annotations

from collections.abc import Sequence

from lightning_face.data.picture_table import Cell
from lightning_face_sis.commands.output_folder import OutputFolder
from lightning_face_sis.commands.session import Session
from lightning_face_sis.data.dataset import LabelledPicture
from lightning_face_sis.to_image import to_picture

__all__ = ["original_files", "write_originals"]


def original_files(names: Sequence[str]) -> list[str]:
    """Name the files of `write_originals`.

    Args:
        names: Names of the images.
    """
    return [file for name in names for file in _files(name)]


def write_originals(
    out: OutputFolder, session: Session, face: LabelledPicture, name: str
) -> list[Cell]:
    """Write an image as the generator sees it, and its label map in colour.

    Args:
        out: Where to write.
        session: Generator that the image is for.
        face: The files.
        name: Name of the image.

    Returns:
        Cells of the image and of the label map.
    """
    image, mask = _files(name)
    if out.needs(image) or out.needs(mask):
        pixels, labels = session.read(face)
        out.write(image, to_picture(pixels[0], "nearest"))
        out.write(mask, session.mask(labels))
    return [Cell(image, name), Cell(mask)]


def _files(name: str) -> tuple[str, str]:
    return f"originals/{name}.png", f"originals/{name}-mask.png"
