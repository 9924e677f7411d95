"""The records of a data set: who is in which picture, and what was written about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from lightning_face.errors import DataError
from lightning_face_mars.data.person_layout import IMAGE_FOLDER, PARTS, PartName, PersonLayout

__all__ = [
    "FoundRecords",
    "PersonRecord",
    "RecordFault",
    "read_records",
    "read_rows",
    "scan_records",
]

_SHOWN = 5


@dataclass(frozen=True)
class PersonRecord:
    """One picture.

    Args:
        identity: Number of the person, as the data set counts.
        file_path: Path of the picture below ``imgs``.
        captions: What was written about it, in the order of the file.
    """

    identity: int
    file_path: str
    captions: tuple[str, ...]

    def image(self, root: Path) -> Path:
        """Return the picture.

        Args:
            root: Folder of the data set.
        """
        return root / IMAGE_FOLDER / self.file_path


@dataclass(frozen=True)
class RecordFault:
    """A record that cannot be used.

    Args:
        file: File that it is in.
        index: Its place in the file, from 0.
        what: What is wrong with it.
    """

    file: Path
    index: int
    what: str

    def __str__(self) -> str:
        """Return place and fault in one line."""
        return f"record {self.index}: {self.what}"


class FoundRecords(NamedTuple):
    """What the files of a data set hold.

    Attributes:
        files: The files that were read.
        records: Records by part, in the order of the file; a part may be empty.
        faults: Records that cannot be used.
    """

    files: list[Path]
    records: dict[PartName, list[PersonRecord]]
    faults: list[RecordFault]


def read_records(root: Path, layout: PersonLayout) -> dict[PartName, list[PersonRecord]]:
    """Read the records of all parts of a data set, from its raw file or else the prepared ones.

    Args:
        root: Folder of the data set.
        layout: What its files are called.

    Returns:
        Records by part, in the order of the file; a part may be empty.

    Raises:
        DataError: There is no such file, it is damaged, or records cannot be used: they are named.
    """
    found = scan_records(root, layout)
    if found.faults:
        shown = "; ".join(map(str, found.faults[:_SHOWN]))
        more = "; ..." if len(found.faults) > _SHOWN else ""
        raise DataError(
            f"{found.faults[0].file} holds {len(found.faults)} records that cannot be used: "
            f"{shown}{more}; get the file again or mend them (lightning-face data check lists all)"
        )
    return found.records


def scan_records(root: Path, layout: PersonLayout) -> FoundRecords:
    """Read what can be used of the records of a data set.

    Args:
        root: Folder of the data set.
        layout: What its files are called.

    Raises:
        DataError: There is no such file, or it is damaged.
    """
    raw = root / layout.raw_file
    sources: list[tuple[Path, str, PartName | None]] = [(raw, layout.path_key, None)]
    if not raw.is_file():
        sources = [(layout.prepared_file(root, part), "file_path", part) for part in PARTS]
        missing = [path for path, _, _ in sources if not path.is_file()]
        if missing:
            raise DataError(
                f"{root} is no {layout.name}: it has neither {layout.raw_file} nor "
                f"{missing[0].relative_to(root)}; get {layout.source} and put it there"
            )
    found = FoundRecords([path for path, _, _ in sources], {part: [] for part in PARTS}, [])
    for path, path_key, part in sources:
        for index, row in enumerate(read_rows(path)):
            fault = _fault_of(row, path_key, needs_part=part is None)
            if fault is not None:
                found.faults.append(RecordFault(path, index, fault))
                continue
            record = PersonRecord(row["id"], row[path_key], tuple(row["captions"]))
            found.records[part or row["split"]].append(record)
    return found


def read_rows(path: Path) -> list[Any]:
    """Read a file of records, whatever they hold.

    Args:
        path: File with a list in JSON.

    Raises:
        DataError: The file cannot be read, or holds no list.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path} is empty, truncated or no JSON: {error}; get it again") from error
    if not isinstance(content, list):
        raise DataError(f"{path} holds no list of records but a {type(content).__name__}")
    return content


def _fault_of(row: object, path_key: str, needs_part: bool) -> str | None:
    """Return what is wrong with a record, or None."""
    if not isinstance(row, Mapping):
        return f"it is a {type(row).__name__}, not an object with fields"
    if not isinstance(row.get("id"), int) or isinstance(row["id"], bool):
        return f"id is {row.get('id')!r}, not a whole number"
    path = row.get(path_key)
    if not isinstance(path, str) or not path:
        return f"{path_key} is {path!r}, not a path"
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        return f"{path_key} is {path!r}, which leads out of {IMAGE_FOLDER}"
    captions = row.get("captions")
    if not isinstance(captions, list) or not captions:
        return f"captions is {captions!r}, not a list of sentences"
    if not all(isinstance(caption, str) for caption in captions):
        return "captions holds something that is no sentence"
    if needs_part and row.get("split") not in PARTS:
        return f"split is {row.get('split')!r}, not one of {', '.join(PARTS)}"
    return None
