"""Who is shown in the pictures of CelebAMask-HQ.

CelebA-HQ took its pictures from CelebA, whose authors give the list of persons on request::

    CelebA-HQ-to-CelebA-mapping.txt   idx orig_idx orig_file, one header line   CelebAMask-HQ
    identity_CelebA.txt               000001.jpg 2880                           CelebA
"""

from __future__ import annotations

from pathlib import Path

from lightning_face.errors import DataError

__all__ = ["IDENTITY_FILE", "MAPPING_FILE", "read_persons"]

MAPPING_FILE = "CelebA-HQ-to-CelebA-mapping.txt"
IDENTITY_FILE = "identity_CelebA.txt"


def read_persons(root: Path) -> dict[int, int]:
    """Return the number of the person of every picture.

    Args:
        root: Folder of the data set.

    Returns:
        Person by number of the picture; empty where one of the two files is missing.

    Raises:
        DataError: If a file is damaged, or names a picture that the other does not.
    """
    mapping, identities = root / MAPPING_FILE, root / IDENTITY_FILE
    if not (mapping.is_file() and identities.is_file()):
        return {}
    person_of = {name: _number(identities, person) for name, person in _rows(identities, 2)}
    persons = {}
    for number, _, name in _rows(mapping, 3, header_lines=1):
        if name not in person_of:
            raise DataError(f"{identities} does not name {name}, but {mapping.name} does")
        persons[_number(mapping, number)] = person_of[name]
    return persons


def _rows(path: Path, width: int, header_lines: int = 0) -> list[list[str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    rows = [line.split() for line in lines[header_lines:] if line.strip()]
    if not rows:
        raise DataError(f"{path} is empty: get it again, or remove it if persons do not matter")
    for row in rows:
        if len(row) != width:
            raise DataError(f"{path}: expected {width} columns, got {' '.join(row)[:60]!r}")
    return rows


def _number(path: Path, text: str) -> int:
    if not text.isdecimal():
        raise DataError(f"{path}: expected a number, got {text!r}")
    return int(text)
