"""A look at everything in a folder that training and evaluation read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from lightning_face.data.check import DataReport
from lightning_face.data.image_folder import list_images, read_image
from lightning_face.errors import DataError
from lightning_face_mars.data.file_check import sort_pictures
from lightning_face_mars.data.person_layout import IMAGE_FOLDER, PARTS, PartName, PersonLayout
from lightning_face_mars.data.person_records import PersonRecord, scan_records
from lightning_face_mars.data.transforms import read_person
from lightning_face_mars.text.caption import normalize_caption

__all__ = ["check_persons"]

_THREADS = 8


def check_persons(root: Path, layout: PersonLayout, full: bool = False) -> DataReport:
    """Check a folder of captioned pedestrians.

    Args:
        root: Folder of the data set.
        layout: What its files are called.
        full: Decode every picture and look for pictures without a record; otherwise only the
            beginning and end of every picture.

    Raises:
        DataError: The folder holds no such data set, or its file of records is no JSON.
    """
    report = DataReport()
    found = scan_records(root, layout)
    report.facts["records"] = ", ".join(str(file.relative_to(root)) for file in found.files)
    for fault in found.faults:
        report.add(fault.file, str(fault), "error")
    for part in PARTS:
        _count(report, part, found.records[part], expected=part in layout.parts)
    records = [record for part in PARTS for record in found.records[part]]
    _check_captions(report, root, records)
    _check_identities(report, found.records)
    _check_pictures(report, root, records, full)
    return report


def _count(
    report: DataReport, part: PartName, records: Sequence[PersonRecord], expected: bool
) -> None:
    captions = [text for record in records for text in record.captions]
    report.counts |= {
        f"{part} persons": len({record.identity for record in records}),
        f"{part} pictures": len(records),
        f"{part} captions": len(captions),
    }
    words = [len(text.split()) for text in captions]
    if words:
        spread = f"{min(words)} to {max(words)}, half have at most {median(words):g}"
        report.facts[f"{part} words of a caption"] = spread
    elif expected:
        report.add(Path(part), f"the part {part} holds no picture", "error")


def _check_captions(report: DataReport, root: Path, records: Sequence[PersonRecord]) -> None:
    for record in records:
        for text in record.captions:
            # all words are kept: only their number matters
            if not normalize_caption(text, max_words=len(text) + 1):
                report.add(record.image(root), "a caption is empty, or has no word", "warning")


def _check_identities(report: DataReport, records: dict[PartName, list[PersonRecord]]) -> None:
    """Note the numbers that several parts use: training might know whom a search is for."""
    parts: dict[int, set[PartName]] = {}
    for part in PARTS:
        for record in records[part]:
            parts.setdefault(record.identity, set()).add(part)
    for identity, shared in parts.items():
        if len(shared) > 1:
            names = " and ".join(sorted(shared))
            what = f"the same number is in {names}: the same person, or numbers that begin anew"
            report.add(Path(f"id {identity}"), what, "warning")


def _check_pictures(
    report: DataReport, root: Path, records: Sequence[PersonRecord], full: bool
) -> None:
    files = [record.image(root) for record in records]
    for path, count in Counter(files).items():
        if count > 1:
            report.add(path, "several records have this picture", "warning")
    found = sort_pictures(list(dict.fromkeys(files)))
    for path, reason in found.bad:
        report.add(path, f"the picture cannot be read: {reason}", "error")
    for path in found.truncated:
        report.add(path, "the picture is truncated, what it lacks is grey", "warning")
    if full:
        known = {*found.truncated, *(path for path, _ in found.bad)}
        _decode(report, [path for path in dict.fromkeys(files) if path not in known])
        for path in sorted(set(list_images(root / IMAGE_FOLDER)) - set(files)):
            report.add(path, "no record has this picture, it is not used", "note")


def _decode(report: DataReport, files: Sequence[Path]) -> None:
    with ThreadPoolExecutor(_THREADS) as pool:
        damaged = [
            path for path, sound in zip(files, pool.map(_is_sound, files), strict=True) if not sound
        ]
    for path in damaged:
        try:
            read_person(path)
        except DataError as error:
            report.add(path, str(error), "error")
        else:
            report.add(path, "the picture is damaged, what it lacks is grey", "warning")
    report.counts["pictures decoded"] = len(files)


def _is_sound(path: Path) -> bool:
    try:
        read_image(path)
    except DataError:
        return False
    return True
