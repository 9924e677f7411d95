"""Images and their label maps, found from what a user named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from lightning_face.data.image_folder import list_images, read_image
from lightning_face.errors import ConfigError, DataError
from lightning_face_sis.data.celebamask_classes import PART_NAMES
from lightning_face_sis.data.celebamask_layout import (
    FACES_PER_FOLDER,
    MASK_FOLDERS,
    FaceMasks,
    mask_path,
)
from lightning_face_sis.data.dataset import LabelFile, LabelledPicture, LabelSource
from lightning_face_sis.data.transforms import image_tensor

if TYPE_CHECKING:
    from lightning_face_sis.metrics.face_parser import FaceParser

__all__ = ["ParsedLabel", "find_faces", "list_files", "unique_names"]


@dataclass(frozen=True)
class ParsedLabel:
    """A label map made by a network that parses faces.

    Args:
        path: The image.
        parser: The network.
    """

    path: Path
    parser: FaceParser

    @property
    def files(self) -> list[Path]:
        """The image."""
        return [self.path]

    def read(self) -> Image.Image:
        """Parse the image.

        Returns:
            Class numbers in mode ``L``.

        Raises:
            DataError: If the image cannot be read.
        """
        image = image_tensor(read_image(self.path)).unsqueeze(0)
        labels = self.parser(image.to(self.parser.mean.device))
        return Image.fromarray(labels[0, 0].cpu().numpy().astype(np.uint8))


def find_faces(
    images: Sequence[Path],
    labels: Sequence[Path] | None,
    parser: FaceParser | None = None,
    option: str = "--labels",
) -> list[LabelledPicture]:
    """Find the label map of every image.

    Args:
        images: Images, or folders of them.
        labels: Label maps in the order of the images, or one folder that has them all; None looks
            where data sets keep them, and beside the images.
        parser: Makes the label maps that are not named.
        option: How errors call the option of the label maps.

    Returns:
        The images with their label maps.

    Raises:
        ConfigError: If the numbers of files differ, or no label map can be found.
        DataError: If a file or folder does not exist.
    """
    files = list_files(images)
    if labels is None:
        if parser is not None:
            return [LabelledPicture(path, ParsedLabel(path, parser)) for path in files]
        return [_labelled(path, _usual_folders(path), option) for path in files]
    if len(labels) == 1 and labels[0].expanduser().is_dir():
        folder = labels[0].expanduser()
        return [_labelled(path, [folder], option) for path in files]
    if len(labels) != len(files):
        raise ConfigError(
            f"{option} names {len(labels)} files for {len(files)} images: give as many, or a folder"
        )
    return [
        LabelledPicture(path, LabelFile(label.expanduser()))
        for path, label in zip(files, labels, strict=True)
    ]


def list_files(paths: Sequence[Path]) -> list[Path]:
    """List images, and those in folders.

    Args:
        paths: Files and folders.

    Raises:
        DataError: If one does not exist, or a folder has no image.
    """
    files: list[Path] = []
    for path in (each.expanduser() for each in paths):
        files += list_images(path) if path.is_dir() else [path]
    for path in files:
        if not path.is_file():
            raise DataError(f"image {path} does not exist")
    return files


def unique_names(paths: Sequence[Path]) -> list[str]:
    """Name files so that no two names are equal.

    Args:
        paths: The files.

    Returns:
        For each its name without suffix; where several have the same, with the folder before it
        and with a number behind it if that does not help.
    """
    names = [path.stem for path in paths]
    rules: tuple[Callable[[int, Path], str], ...] = (
        lambda _, path: f"{path.absolute().parent.name}-{path.stem}",
        lambda number, path: f"{path.stem}-{number + 1}",
    )
    for rule in rules:
        counts = Counter(names)
        names = [
            rule(number, path) if counts[name] > 1 else name
            for number, (name, path) in enumerate(zip(names, paths, strict=True))
        ]
    return names


def _labelled(image: Path, folders: Sequence[Path], option: str) -> LabelledPicture:
    for folder in folders:
        source = _label_in(folder, image)
        if source is not None:
            return LabelledPicture(image, source)
    searched = " or ".join(map(str, folders))
    raise ConfigError(
        f"{image} has no label map in {searched}: put {image.stem}.png there, say where it is with "
        f"{option}, or have one made with --parser"
    )


def _usual_folders(image: Path) -> list[Path]:
    """Folders in which data sets have the label maps of an image, and its own folder."""
    own = image.absolute().parent
    folders = [own.parent / "labels", *(own.parent / name for name in MASK_FOLDERS)]
    # a PNG would be found as its own label map
    return folders if image.suffix.lower() == ".png" else [*folders, own]


def _label_in(folder: Path, image: Path) -> LabelSource | None:
    """Find a label map, or the part masks of a face, in a folder."""
    label = folder / f"{image.stem}.png"
    if label.is_file():
        return LabelFile(label)
    if not image.stem.isdecimal():
        return None
    number = int(image.stem)
    if folder.name == str(number // FACES_PER_FOLDER) and not (folder / folder.name).is_dir():
        folder = folder.absolute().parent
    parts = [part for part in PART_NAMES if mask_path(folder, number, part).is_file()]
    return FaceMasks(folder, number, tuple(parts)) if parts else None
