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
    """Bring the names in a folder to the disk.

    Args:
        folder: Folder in which something was renamed.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
