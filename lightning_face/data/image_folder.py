"""Folders of pictures: listing, checking and reading them.

Pictures are taken as they are stored: a rotation noted in the EXIF block of a photograph is not
applied, as in the training code of the systems that read their pictures here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

from lightning_face.errors import DataError

__all__ = ["IMAGE_EXTENSIONS", "CheckedImages", "check_images", "list_images", "read_image"]

IMAGE_EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})

# What Pillow raises for broken files; SyntaxError comes from damaged PNG chunks.
_DECODE_ERRORS = (OSError, ValueError, SyntaxError, EOFError, IndexError)
_CHECK_THREADS = 8
_TAIL_BYTES = 4096


class CheckedImages(NamedTuple):
    """Outcome of looking at a list of files.

    Attributes:
        good: Files that can be read, in the order given.
        bad: Files that cannot, each with the reason.
    """

    good: list[Path]
    bad: list[tuple[Path, str]]


def list_images(folder: str | Path) -> list[Path]:
    """List every picture below a folder, at any depth, sorted by path.

    Args:
        folder: Folder to walk; links to folders are followed once.

    Returns:
        Files whose extension is in `IMAGE_EXTENSIONS`, in any case.

    Raises:
        DataError: If the folder does not exist, is a file, or holds no picture.
    """
    folder = Path(folder)
    if not folder.exists():
        msg = f"image folder {folder} does not exist"
        raise DataError(msg)
    if not folder.is_dir():
        msg = f"{folder} is a file, but a folder of images is needed"
        raise DataError(msg)
    found: list[Path] = []
    visited: set[str] = set()
    for parent, subfolders, names in os.walk(folder, followlinks=True):
        # A link to a parent would be walked for ever.
        real = os.path.realpath(parent)
        if real in visited:
            subfolders.clear()
            continue
        visited.add(real)
        found += [
            Path(parent, name)
            for name in names
            if Path(name).suffix.lower() in IMAGE_EXTENSIONS and not name.startswith("._")
        ]
    if not found:
        extensions = ", ".join(sorted(extension[1:] for extension in IMAGE_EXTENSIONS))
        msg = f"image folder {folder} holds no image ({extensions})"
        raise DataError(msg)
    return sorted(found)


def read_image(path: str | Path, shorter_side: int | None = None) -> Image.Image:
    """Read a picture as 8-bit RGB.

    Args:
        path: File of any type Pillow reads.
        shorter_side: Smallest shorter side in pixels the caller can use. A larger JPEG is then
            decoded at 1/2, 1/4 or 1/8 of its size as long as both sides stay at least this long,
            which is several times faster.

    Returns:
        The picture in mode ``RGB``.

    Raises:
        DataError: If the file is missing, empty, truncated, too large for Pillow's limit, or not
            an image.
    """
    path = Path(path)
    try:
        with Image.open(path) as image:
            _refuse_bomb(image)
            if shorter_side is not None:
                image.draft("RGB", (shorter_side, shorter_side))
            return image.convert("RGB")
    except FileNotFoundError as error:
        msg = f"image {path} does not exist"
        raise DataError(msg) from error
    except (*_DECODE_ERRORS, Image.DecompressionBombError) as error:
        msg = f"image {path} cannot be read: {_reason(path, error)}"
        raise DataError(msg) from error


def check_images(paths: Iterable[Path]) -> CheckedImages:
    """Sort files into readable and unreadable ones without decoding them.

    Only the header and the last bytes of a file are read. A JPEG or PNG whose end mark is missing
    is decoded to find out whether it is truncated or merely has something appended.

    Args:
        paths: Files to look at.

    Returns:
        The readable files in the order given, and the others with the reason.
    """
    files = list(paths)
    with ThreadPoolExecutor(_CHECK_THREADS) as pool:
        reasons: Sequence[str | None] = list(pool.map(_unreadable, files))
    pairs = list(zip(files, reasons, strict=True))
    return CheckedImages(
        good=[path for path, reason in pairs if reason is None],
        bad=[(path, reason) for path, reason in pairs if reason is not None],
    )


def _unreadable(path: Path) -> str | None:
    """Return why a file cannot be read, or None."""
    try:
        with Image.open(path) as image:
            _refuse_bomb(image)
            complete = _has_end_mark(path, image.format)
            if not complete:
                image.load()
    except (*_DECODE_ERRORS, Image.DecompressionBombError) as error:
        return _reason(path, error)
    return None


def _refuse_bomb(image: Image.Image) -> None:
    """Raise at Pillow's limit, where Pillow itself only warns up to twice of it."""
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and image.width * image.height > limit:
        msg = f"{image.width}x{image.height} pixels, more than the limit of {limit}"
        raise Image.DecompressionBombError(msg)


def _has_end_mark(path: Path, kind: str | None) -> bool:
    """Tell whether the last bytes of a JPEG or PNG close it; other kinds are not judged."""
    mark = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}.get(kind or "")
    if mark is None:
        return True
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - _TAIL_BYTES))
        return mark in file.read()


def _reason(path: Path, error: BaseException) -> str:
    """Say in a few words what is wrong with a file."""
    if isinstance(error, FileNotFoundError):
        return "the file does not exist"
    if path.is_file() and path.stat().st_size == 0:
        return "the file is empty"
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    return " ".join(str(error).split())
