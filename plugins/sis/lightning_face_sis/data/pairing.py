"""Which files of a folder belong together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from lightning_face.errors import DataError

__all__ = ["list_files", "natural_key", "pair_files"]

_LIST = "files.list"
_SHOWN = 3


def natural_key(path: Path) -> list[tuple[int, int, str]]:
    """Return a key that sorts ``9.jpg`` before ``10.jpg``.

    Args:
        path: File.
    """
    parts = re.split(r"(\d+)", str(path))
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def list_files(folder: Path, suffixes: Iterable[str], recursive: bool = False) -> list[Path]:
    """List the files of a folder in natural order, or those its ``files.list`` names.

    Args:
        folder: Folder; a file ``files.list`` in it, one path a line, stands for its contents.
        suffixes: Endings of the names, in lower case.
        recursive: Look into the folders below as well.

    Raises:
        DataError: If the folder does not exist, has no such file, or its list names a file that
            does not exist.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder")
    if (folder / _LIST).is_file():
        return _listed_files(folder / _LIST)
    endings = tuple(suffixes)
    found = [
        path
        for path in (folder.rglob("*") if recursive else folder.iterdir())
        # the first is a leftover of macOS, with the suffix of the file it belongs to
        if not path.name.startswith("._") and path.name.lower().endswith(endings)
    ]
    if not found:
        raise DataError(f"{folder} has no file that ends with {' or '.join(endings)}")
    return sorted(found, key=natural_key)


def pair_files(
    labels: Sequence[Path],
    images: Sequence[Path],
    label_key: Callable[[Path], str],
    image_key: Callable[[Path], str],
) -> list[tuple[Path, Path]]:
    """Pair label maps with the pictures they describe.

    Args:
        labels: Files of label maps.
        images: Files of pictures.
        label_key: Name of the pair that a label map belongs to.
        image_key: Name of the pair that a picture belongs to.

    Returns:
        A label map and its picture, in the order of the label maps.

    Raises:
        DataError: If a file has no partner, or two files the same name.
    """
    by_label, by_image = _by_name(labels, label_key), _by_name(images, image_key)
    _refuse_alone(by_label, by_image, "label map", "picture")
    _refuse_alone(by_image, by_label, "picture", "label map")
    return [(label, by_image[name]) for name, label in by_label.items()]


def _listed_files(path: Path) -> list[Path]:
    """Read a list of files; relative ones are looked for beside the list first."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    files = []
    for line in filter(None, map(str.strip, lines)):
        file = next((each for each in (path.parent / line, Path(line)) if each.is_file()), None)
        if file is None:
            raise DataError(f"{path} names {line}, which does not exist: put it there or delete it")
        files.append(file)
    if not files:
        raise DataError(f"{path} is empty: remove it, and the folder is listed instead")
    return files


def _by_name(files: Sequence[Path], key: Callable[[Path], str]) -> dict[str, Path]:
    named: dict[str, Path] = {}
    for path in files:
        other = named.setdefault(key(path), path)
        if other != path:
            raise DataError(f"{path} and {other} have the same name: remove one of them")
    return named


def _refuse_alone(
    files: dict[str, Path], partners: dict[str, Path], kind: str, partner_kind: str
) -> None:
    alone = [path for name, path in files.items() if name not in partners]
    if alone:
        shown = ", ".join(map(str, alone[:_SHOWN])) + (", ..." if len(alone) > _SHOWN else "")
        raise DataError(f"{len(alone)} {kind}(s) without a {partner_kind} of that name: {shown}")
