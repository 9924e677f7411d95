"""A look at everything in a folder of CelebAMask-HQ that training and evaluation read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lightning_face.data.check import DataReport
from lightning_face.errors import DataError
from lightning_face_sis.data.celebamask_classes import CLASS_NAMES
from lightning_face_sis.data.celebamask_layout import FaceMasks, RawFaces, is_raw, list_raw_faces
from lightning_face_sis.data.celebamask_split import list_prepared, split_raw
from lightning_face_sis.data.dataset import LabelledPicture, Labelling
from lightning_face_sis.data.file_check import check_pictures
from lightning_face_sis.data.identities import IDENTITY_FILE, read_persons

__all__ = ["check_celebamask"]

_THREADS = 8


def check_celebamask(root: Path, full: bool = False) -> DataReport:
    """Check a folder of CelebAMask-HQ, as it is distributed or prepared.

    Args:
        root: Folder of the data.
        full: Decode every picture and mask; otherwise only their ends, and some label maps.

    Raises:
        DataError: If there is no such data set.
    """
    report = DataReport()
    if is_raw(root):
        pictures = _check_raw(report, root, full)
    else:
        report.facts["layout"] = "prepared"
        parts = {part: list_prepared(root, part) for part in ("train", "test")}
        report.counts |= {f"{part} faces": len(found) for part, found in parts.items()}
        pictures = [picture for found in parts.values() for picture in found]
    check_pictures(report, pictures, Labelling(len(CLASS_NAMES)), CLASS_NAMES, full)
    persons = read_persons(root)
    report.counts["persons"] = len(set(persons.values()))
    if not persons:
        what = "without it nobody knows who is shown, which only metrics of identity need"
        report.add(root / IDENTITY_FILE, what, "note")
    return report


def _check_raw(report: DataReport, root: Path, full: bool) -> list[LabelledPicture]:
    report.facts["layout"] = "as distributed"
    faces = list_raw_faces(root)
    for path in faces.empty:
        report.add(path, "the mask file is empty: the part counts as absent", "warning")
    for path in faces.strange:
        report.add(path, "the file belongs to no face and part and is left out", "warning")
    try:
        split = split_raw(root, faces)
    except DataError as error:
        report.add(root, str(error), "error")
        return []
    report.counts |= {f"{part} faces": len(found) for part, found in split.items()}
    report.counts["mask files"] = sum(len(masks.parts) for masks in faces.masks.values())
    if full:
        _check_blank(report, faces)
    return [picture for found in split.values() for picture in found]


def _check_blank(report: DataReport, faces: RawFaces) -> None:
    """Note the masks without a pixel; the data set has some."""
    with ThreadPoolExecutor(_THREADS) as pool:
        for blank in pool.map(_blank_files, faces.masks.values()):
            for path in blank:
                report.add(path, "the mask is black everywhere: the part is absent", "note")


def _blank_files(masks: FaceMasks) -> list[Path]:
    try:
        parts = masks.read_masks()
    except DataError:
        # reported with the pictures
        return []
    return [path for path, part in zip(masks.files, parts.values(), strict=True) if not part.any()]
