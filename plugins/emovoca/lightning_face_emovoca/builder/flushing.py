"""What has been written reaches the disk before anything says that it is there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Any

__all__ = ["flush", "flush_folder"]


def flush(file: IO[Any]) -> None:
    """Bring an open file to the disk.

    Args:
        file: File that was written to.
    """
    file.flush()
    os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Bring the names in a folder, and in all folders below it, to the disk.

    Args:
        folder: Folder whose files are on the disk.
    """
    for each in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        descriptor = os.open(each, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
