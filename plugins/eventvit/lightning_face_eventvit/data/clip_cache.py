"""Frames of all clips of a split in one memory-mapped file, made once and never out of date."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.errors import DataError

__all__ = ["CacheEntry", "ClipCache", "cache_key", "file_stamp", "open_cache"]

log = logging.getLogger(__name__)

Frames = NDArray[np.uint8]

_MAGIC = b"LFCLIPS1"
# length of the index, checksum of the index, magic
_FOOTER = np.dtype([("length", "<u8"), ("checksum", "<u4"), ("magic", "S8")])
_PROGRESS_SECONDS = 30.0
_THREADS = min(8, os.cpu_count() or 1)


class CacheEntry(NamedTuple):
    """Where the frames of one clip are in the file.

    Attributes:
        offset: First byte.
        shape: ``(frames, channels, height, width)``.
        checksum: CRC-32 of the bytes.
    """

    offset: int
    shape: tuple[int, int, int, int]
    checksum: int

    @property
    def size(self) -> int:
        """Number of bytes."""
        return int(np.prod(self.shape))


class ClipCache:
    """Clips of one file, read on demand; worker processes share its pages.

    The file holds the frames of all clips one after another, then an index as JSON, then the
    length and checksum of the index. The frames of a clip are compared with their checksum when
    a process reads them first.

    Args:
        path: File that `open_cache` wrote.

    Raises:
        DataError: If the file is truncated or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.key, self.entries = _read_index(path)
        self._bytes: Frames | None = None
        self._verified: set[int] = set()

    def __len__(self) -> int:
        """Number of clips."""
        return len(self.entries)

    def __getitem__(self, index: int) -> Frames:
        """Return the frames ``(frames, channels, height, width)`` of a clip, not copied.

        Args:
            index: Number of the clip.

        Raises:
            DataError: If the bytes are not those that were written.
        """
        if self._bytes is None:
            self._bytes = np.memmap(self.path, dtype=np.uint8, mode="r")
        entry = self.entries[index]
        stored = self._bytes[entry.offset : entry.offset + entry.size]
        if index not in self._verified:
            if zlib.crc32(stored.data) != entry.checksum:
                msg = f"clip cache {self.path} is damaged: delete it and start again"
                raise DataError(msg)
            self._verified.add(index)
        return stored.reshape(entry.shape)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the mapping behind when a worker process is started: it would be copied."""
        return {**self.__dict__, "_bytes": None}


def cache_key(settings: dict[str, Any]) -> str:
    """Return a digest of everything that the frames depend on.

    Args:
        settings: Values that JSON can hold, the stamps of the source files among them.
    """
    text = json.dumps([_MAGIC.decode(), settings], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def file_stamp(path: Path) -> tuple[str, int, int]:
    """Return name, size and time of change (nanoseconds) of a source file.

    Args:
        path: The file.

    Raises:
        DataError: If it does not exist.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    return path.name, status.st_size, status.st_mtime_ns


def open_cache(
    folder: Path,
    name: str,
    key: str,
    readers: Sequence[Callable[[], Frames]],
    expected_bytes: int,
) -> ClipCache:
    """Open the cache of a split, written first where it is not there yet or is damaged.

    Several processes may call this at a time: one writes, the others wait for it. The file gets
    its name when it is complete.

    Args:
        folder: Folder of the caches.
        name: Readable start of the file name.
        key: Digest of `cache_key`; another key is another file.
        readers: Functions that return the frames of each clip, called in several threads.
        expected_bytes: Size of all frames, to see whether the disk has room.

    Raises:
        DataError: If the disk is too small or read-only, or a clip cannot be read.
    """
    path = folder / f"{name}-{key[:16]}.clips"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if not _is_sound(path, key):
                _check_room(folder, expected_bytes)
                size = expected_bytes / 1e9
                log.info("writing %d clips (%.2f GB) to %s, once", len(readers), size, path)
                with atomic_path(path) as temporary, temporary.open("wb") as file:
                    _write(file, key, _with_progress(_in_threads(readers), len(readers)))
    except OSError as error:
        msg = f"the clip cache cannot be written to {folder}: {error}; set data.cache_dir"
        raise DataError(msg) from error
    return ClipCache(path)


def _is_sound(path: Path, key: str) -> bool:
    """Tell whether a cache is there and whole; say so if it is damaged."""
    if not path.is_file():
        return False
    try:
        return ClipCache(path).key == key
    except DataError as error:
        log.warning("%s; it is written again", error)
        return False


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"the clip cache needs {needed / 1e9:.1f} GB but {folder} has {free / 1e9:.1f} GB "
            "left: set data.cache_dir to a larger disk, or lower data.resize"
        )


def _in_threads(readers: Sequence[Callable[[], Frames]]) -> Iterator[Frames]:
    """Call the functions in several threads, few at a time since the results are large."""
    pending = iter(readers)
    with ThreadPoolExecutor(_THREADS) as pool:
        while batch := list(islice(pending, 2 * _THREADS)):
            yield from pool.map(lambda read: read(), batch)


def _with_progress(clips: Iterable[Frames], count: int) -> Iterator[Frames]:
    """Hand clips on and say now and then how many have passed: a data set takes half an hour."""
    due = monotonic() + _PROGRESS_SECONDS
    for done, frames in enumerate(clips, start=1):
        yield frames
        if monotonic() > due:
            log.info("%d of %d clips written", done, count)
            due = monotonic() + _PROGRESS_SECONDS


def _write(file: BinaryIO, key: str, clips: Iterable[Frames]) -> None:
    entries = []
    offset = 0
    for frames in clips:
        content = np.ascontiguousarray(frames)
        entries.append(CacheEntry(offset, content.shape, zlib.crc32(content.data)))
        file.write(content.data)
        offset += content.nbytes
    index = json.dumps({"key": key, "entries": entries}).encode()
    file.write(index)
    file.write(np.array([(len(index), zlib.crc32(index), _MAGIC)], dtype=_FOOTER).tobytes())


def _read_index(path: Path) -> tuple[str, list[CacheEntry]]:
    broken = f"clip cache {path} is damaged"
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if size < _FOOTER.itemsize:
            raise DataError(broken)
        file.seek(-_FOOTER.itemsize, os.SEEK_END)
        length, checksum, magic = np.frombuffer(file.read(), dtype=_FOOTER)[0]
        start = size - _FOOTER.itemsize - int(length)
        if magic != _MAGIC or start < 0:
            raise DataError(broken)
        file.seek(start)
        text = file.read(int(length))
    if zlib.crc32(text) != checksum:
        raise DataError(broken)
    index = json.loads(text)
    entries = [CacheEntry(offset, tuple(shape), crc) for offset, shape, crc in index["entries"]]
    if sum(entry.size for entry in entries) != start:
        raise DataError(broken)
    return index["key"], entries
