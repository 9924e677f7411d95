"""The pictures of a part: read from their files, or decoded and resized once and kept."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_face.cache import cache_folder
from lightning_face.checkpoint.atomic import atomic_path
from lightning_face_mars.data.transforms import read_person, square

__all__ = ["ImageStore", "cache_images"]

log = logging.getLogger(__name__)

# changed whenever the same file would come out differently
_VERSION = "1"


class ImageStore:
    """Squares of pictures by their place in a list.

    Args:
        files: Files of the pictures.
        size: Side of the squares in pixels.
        cache: File of :func:`cache_images` with the squares; nothing reads ``files``.
    """

    def __init__(self, files: Sequence[Path], size: int, cache: Path | None = None) -> None:
        self.files = list(files)
        self.size = size
        self.cache = cache
        self._squares: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.files)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """Return the square ``(size, size, 3)`` of one picture.

        Args:
            index: Place in the list.

        Raises:
            DataError: The file cannot be read any more.
        """
        if self.cache is None:
            return square(read_person(self.files[index]), self.size)
        if self._squares is None:
            # opened where it is read: a mapping does not travel to worker processes
            self._squares = np.load(self.cache, mmap_mode="r", allow_pickle=False)
        return self._squares[index]

    def __getstate__(self) -> dict[str, object]:
        """Leave the open file behind when a worker process is started."""
        return self.__dict__ | {"_squares": None}


def cache_images(files: Sequence[Path], size: int, folder: Path | None = None) -> Path:
    """Decode and resize pictures once, and return the file that holds them.

    Its name depends on names, lengths and times of the files, so that it is made anew when one
    changes. It takes ``3 * size * size`` bytes a picture: 15 GB for the 34054 pictures that
    CUHK-PEDES is trained with, at 384 pixels.

    Args:
        files: Files of the pictures.
        size: Side of the squares in pixels.
        folder: Where the file is kept; nothing means the cache folder of the machine.

    Returns:
        NumPy file with 8-bit squares ``(files, size, size, 3)``, to be mapped into memory.

    Raises:
        DataError: A file cannot be read.
    """
    digest = hashlib.sha256(f"{_VERSION} {size}\n".encode())
    for file in files:
        status = file.stat()
        digest.update(f"{file.resolve()} {status.st_size} {status.st_mtime_ns}\n".encode())
    path = (folder or cache_folder() / "images") / f"persons-{digest.hexdigest()[:16]}.npy"
    if not path.is_file():
        log.info("decoding %d pictures into %s, once", len(files), path)
        with atomic_path(path) as temporary:
            squares = np.lib.format.open_memmap(
                temporary, mode="w+", dtype=np.uint8, shape=(len(files), size, size, 3)
            )
            for index, file in enumerate(files):
                squares[index] = square(read_person(file), size)
            squares.flush()
            del squares
    return path
