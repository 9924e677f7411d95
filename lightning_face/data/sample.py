"""Synthetic samples are written once per machine and found again."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from lightning_face.cache import cache_folder

__all__ = ["cached_sample"]


def cached_sample(name: str, write: Callable[[Path], None], version: str = "1") -> Path:
    """Return the folder of a sample, written by the first process that asks for it.

    The sample is written beside its place and renamed, so a folder that exists is complete,
    also when several processes start together or one is killed while writing.

    Args:
        name: Name of the sample.
        write: Fills an empty folder; must be deterministic.
        version: Changed whenever ``write`` would write something else.
    """
    folder = cache_folder() / "samples" / f"{name}-{version}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        write(temporary)
        # mkdtemp's folders are private to the user; a shared cache has to be readable
        temporary.chmod(0o755)
        temporary.rename(folder)
    except OSError:
        # a full folder cannot be replaced: another process was faster
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder
