"""Writing CelebAMask-HQ once in the form that is fastest to read."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from PIL import Image

from lightning_face.checkpoint.atomic import atomic_path, sweep_temporaries
from lightning_face.data.image_folder import read_image
from lightning_face.errors import ConfigError, DataError
from lightning_face_sis.data.celebamask_classes import CLASS_NAMES
from lightning_face_sis.data.celebamask_layout import POSE_FILE, FaceMasks, list_raw_faces
from lightning_face_sis.data.celebamask_split import split_raw
from lightning_face_sis.data.dataset import LabelledPicture
from lightning_face_sis.data.identities import IDENTITY_FILE, MAPPING_FILE
from lightning_face_sis.data.part_masks import merge_part_masks

__all__ = ["PreparedFaces", "prepare_celebamask"]

log = logging.getLogger(__name__)

_SETTINGS = "prepared.json"
_JPEG_QUALITY = 95
_SHOWN = 3


@dataclass
class PreparedFaces:
    """What a preparation did.

    Attributes:
        train: Faces for training.
        test: Faces for the test.
        written: Faces written by this call; the others were there.
        empty: Mask files without a byte, left out.
        strange: Files of no face and part, left out.
        blank: Mask files that are black everywhere, of the faces written.
    """

    train: int
    test: int
    written: int = 0
    empty: list[Path] = field(default_factory=list)
    strange: list[Path] = field(default_factory=list)
    blank: list[Path] = field(default_factory=list)


def prepare_celebamask(
    source: Path,
    destination: Path,
    size: int | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PreparedFaces:
    """Merge the part masks of CelebAMask-HQ and split the faces into ``train`` and ``test``.

    What is written is what :class:`lightning_face_sis.data.celebamask_hq.CelebAMaskHQDataModule`
    reads. A call that was cut is taken up by the same call: every file is there whole or not at
    all, and those that are there are kept.

    Args:
        source: Folder of CelebAMask-HQ as it is distributed.
        destination: Folder to fill.
        size: Side in pixels of pictures and label maps; nothing copies the pictures as they are,
            1024, with label maps of 512.
        workers: Threads that decode and encode; nothing takes one per core.
        progress: Called with the number of faces done and of all faces after each face.

    Returns:
        How many faces there are, and what was left out.

    Raises:
        ConfigError: If ``destination`` was begun with another ``size``, is ``source``, or ``size``
            is no size.
        DataError: If files are missing or damaged; all other faces are written before.
    """
    if size is not None and size < 1:
        raise ConfigError(f"the size {size} is not positive")
    faces = list_raw_faces(source)
    split = split_raw(source, faces)
    _open_destination(source, destination, size)
    prepared = PreparedFaces(
        len(split["train"]), len(split["test"]), empty=faces.empty, strange=faces.strange
    )
    jobs = [(picture, destination / part) for part, found in split.items() for picture in found]
    failures: list[DataError] = []
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        futures = [pool.submit(_prepare_face, picture, folder, size) for picture, folder in jobs]
        for done, future in enumerate(as_completed(futures), start=1):
            try:
                blank = future.result()
            except DataError as error:
                failures.append(error)
            else:
                prepared.written += blank is not None
                prepared.blank += blank or []
            if progress is not None:
                progress(done, len(jobs))
    if failures:
        listed = "; ".join(map(str, failures[:_SHOWN])) + ("; ..." if failures[_SHOWN:] else "")
        raise DataError(
            f"{len(failures)} of {len(jobs)} faces could not be prepared: {listed}; get the files "
            "again and repeat the call, the other faces are done"
        )
    for line in (*faces.left_out(), *_blank_line(prepared.blank)):
        log.warning(line)
    return prepared


def _open_destination(source: Path, destination: Path, size: int | None) -> None:
    """Make the folders and note the settings, or refuse a folder begun with others."""
    if destination.resolve() == source.resolve():
        raise ConfigError(f"{destination} holds the original: name another folder to write to")
    settings = {"size": size, "classes": list(CLASS_NAMES)}
    path = destination / _SETTINGS
    if path.is_file():
        try:
            begun = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise DataError(f"{path} is damaged: remove the folder and begin again") from error
        if begun != settings:
            raise ConfigError(
                f"{destination} was begun with other settings ({path.name}): name another folder, "
                "or the same size"
            )
    for part in ("train", "test"):
        for kind in ("images", "labels"):
            folder = destination / part / kind
            folder.mkdir(parents=True, exist_ok=True)
            sweep_temporaries(folder)
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
    for name in (POSE_FILE, MAPPING_FILE, IDENTITY_FILE):
        if (source / name).is_file():
            with atomic_path(destination / name) as temporary:
                shutil.copyfile(source / name, temporary)


def _prepare_face(picture: LabelledPicture, folder: Path, size: int | None) -> list[Path] | None:
    """Write a face; return its masks without a pixel, or nothing if the face was there."""
    number = picture.image.stem
    image_file, label_file = (
        folder / "images" / f"{number}.jpg",
        folder / "labels" / f"{number}.png",
    )
    if image_file.is_file() and label_file.is_file():
        return None
    masks = cast("FaceMasks", picture.label)
    parts, image = masks.read_masks(), read_image(picture.image)
    label = Image.fromarray(merge_part_masks(parts))
    picture.check_sizes(image.size, label.size)
    if size is not None:
        label = label.resize((size, size), Image.Resampling.NEAREST)
    with atomic_path(label_file) as temporary:
        label.save(temporary, format="PNG")
    with atomic_path(image_file) as temporary:
        if size is None:
            shutil.copyfile(picture.image, temporary)
        else:
            image = image.resize((size, size), Image.Resampling.BICUBIC)
            image.save(temporary, format="JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return [path for path, part in zip(masks.files, parts.values(), strict=True) if not part.any()]


def _blank_line(blank: list[Path]) -> Iterable[str]:
    if blank:
        shown = ", ".join(map(str, blank[:_SHOWN])) + (", ..." if blank[_SHOWN:] else "")
        yield f"{len(blank)} mask files are black everywhere, as if absent: {shown}"
