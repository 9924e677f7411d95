"""A quick look at all files of a data set before a run starts."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightning_face.data.check import DataReport
from lightning_face.data.image_folder import check_images, read_image
from lightning_face.errors import DataError
from lightning_face_sis.data.dataset import LabelledPicture, Labelling
from lightning_face_sis.data.label_map import check_labels, class_table, label_tensor

__all__ = ["check_files", "check_pictures", "image_size"]

_THREADS = 8
_SHOWN = 3
_DECODED = 200


def check_files(pictures: Sequence[LabelledPicture]) -> None:
    """Refuse files that cannot be read or do not fit together; only their ends are looked at.

    Args:
        pictures: Pictures and label maps.

    Raises:
        DataError: If there is no picture, a file is missing, empty or truncated, or a label map
            has another shape than its picture.
    """
    if not pictures:
        raise DataError("there is no picture")
    files = [path for each in pictures for path in _files(each)]
    bad = check_images(files).bad
    if bad:
        shown = "; ".join(f"{path}: {reason}" for path, reason in bad[:_SHOWN])
        more = "; ..." if len(bad) > _SHOWN else ""
        raise DataError(
            f"{len(bad)} of {len(files)} files cannot be read: {shown}{more}; get them again"
        )
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(_check_sizes, pictures))


def check_pictures(
    report: DataReport,
    pictures: Sequence[LabelledPicture],
    labelling: Labelling,
    class_names: Sequence[str],
    full: bool,
) -> None:
    """Add to a report what is odd about pictures and label maps, and how often classes occur.

    Args:
        report: Report to fill.
        pictures: Pictures and label maps.
        labelling: What the label maps mean.
        class_names: Name of every class.
        full: Decode everything; otherwise only the ends of the files are looked at, and some
            pictures decoded.
    """
    bad = dict(check_images([path for each in pictures for path in _files(each)]).bad)
    for path, reason in bad.items():
        report.add(path, f"the file cannot be read: {reason}", "error")
    good = [each for each in pictures if bad.keys().isdisjoint(_files(each))]
    step = 1 if full else max(1, len(good) // _DECODED)
    occurrences = np.zeros(labelling.num_classes, dtype=np.int64)
    with ThreadPoolExecutor(_THREADS) as pool:
        for picture, failure in zip(good, pool.map(_size_failure, good), strict=True):
            if failure is not None:
                report.add(picture.label.path, failure, "error")
        chosen = good[::step]
        found = pool.map(lambda picture: _decode(picture, labelling), chosen)
        for picture, outcome in zip(chosen, found, strict=True):
            if isinstance(outcome, str):
                report.add(picture.label.path, outcome, "error")
            else:
                occurrences[outcome] += 1
    report.counts["pictures decoded"] = len(chosen)
    report.facts["classes in the pictures decoded"] = [
        f"{name} {count}" for name, count in zip(class_names, occurrences.tolist(), strict=True)
    ]


def image_size(path: Path) -> tuple[int, int]:
    """Return width and height of a picture without decoding it.

    Args:
        path: File that can be read.
    """
    with Image.open(path) as image:
        return image.size


def _files(picture: LabelledPicture) -> list[Path]:
    return [picture.image, *picture.label.files]


def _decode(picture: LabelledPicture, labelling: Labelling) -> NDArray[np.int64] | str:
    """Return the classes of a picture, or what is wrong with it."""
    table = class_table(labelling.num_labels, labelling.shifted)
    try:
        read_image(picture.image)
        labels = label_tensor(picture.label.read(), table)
        check_labels(labels, labelling.num_classes, picture.label.path)
    except DataError as error:
        return str(error)
    return np.unique(labels.numpy()).astype(np.int64)


def _size_failure(picture: LabelledPicture) -> str | None:
    try:
        _check_sizes(picture)
    except DataError as error:
        return str(error)
    return None


def _check_sizes(picture: LabelledPicture) -> None:
    first, *others = picture.label.files
    size = image_size(first)
    for path in others:
        other = image_size(path)
        if other != size:
            raise DataError(
                f"{path} is {other[0]}x{other[1]}, but {first.name} {size[0]}x{size[1]}: get them "
                "again"
            )
    picture.check_sizes(image_size(picture.image), size)
