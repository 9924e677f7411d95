"""Folders that are either whole or not there, whenever a process is killed."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lightning_face_emovoca.builder.flushing import flush_folder

__all__ = ["place_folder", "scratch_folder", "sweep_scratch"]

_SCRATCH = ".partial"


def scratch_folder(store: Path, shard: str) -> Path:
    """Return the folder in which this process, and no other, puts what is not whole.

    Args:
        store: Folder of the store.
        shard: Name of the share of the work, such as ``1of4``.
    """
    return store / _SCRATCH / f"{shard}.{socket.gethostname()}.{os.getpid()}"


def sweep_scratch(store: Path, shard: str | None = None) -> None:
    """Remove what killed processes left.

    Args:
        store: Folder of the store.
        shard: Remove what processes of this machine left that had the same share and are no more;
            None removes everything, once the store is finished.
    """
    folder = store / _SCRATCH
    if shard is None:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for left in folder.glob(f"{shard}.{socket.gethostname()}.*"):
        if not _is_running(int(left.suffix[1:])):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def place_folder(store: Path, name: str, scratch: Path, replace: bool) -> Iterator[Path]:
    """Yield a folder that goes to its place when the block ends.

    Args:
        store: Folder of the store.
        name: Where in it the folder goes.
        scratch: Folder of this process in the same file system.
        replace: Whether it takes the place of one that is there already; otherwise that one,
            which another process has made of the same, stays.
    """
    target, temporary = store / name, scratch / name
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.parent.mkdir(parents=True, exist_ok=True)
    yield temporary
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir():
        if not replace:
            shutil.rmtree(temporary)
            return
        aside = scratch / "replaced"
        target.rename(aside)
        shutil.rmtree(aside)
    try:
        temporary.rename(target)
    except OSError:
        # a full folder cannot be replaced: another process was faster
        if replace or not target.is_dir():
            raise
        shutil.rmtree(temporary)
        return
    flush_folder(target.parent)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
