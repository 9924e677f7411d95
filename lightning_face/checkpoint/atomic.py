"""Files that are either the old ones or the new ones, whenever the process or machine stops."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["atomic_path", "sweep_temporaries"]

_SUFFIX = ".partial"


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary file beside ``path`` that takes its place when the block ends.

    The temporary lies in the same folder because a rename is atomic only within one file system.
    It is flushed to the disk before the rename and the folder after it. If the block raises, the
    old file stays as it was.

    Args:
        path: File to create or replace; its folder is made if need be.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_SUFFIX, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp's files are private to the user; results have to be readable like any other file
        temporary.chmod(0o666 & ~_umask())
        _flush(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _flush(path.parent)


def sweep_temporaries(folder: Path | str) -> list[Path]:
    """Remove the temporaries that killed processes left in a folder, and return their paths.

    Args:
        folder: Folder that no other process is writing to; it need not exist.
    """
    stale = sorted(Path(folder).glob(f".*{_SUFFIX}"))
    for path in stale:
        path.unlink(missing_ok=True)
    return stale


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    # the mask can only be read by setting it
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
