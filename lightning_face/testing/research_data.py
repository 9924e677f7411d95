"""Files under research licences that tests use where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["RESEARCH_DATA", "research_file"]

RESEARCH_DATA = "LIGHTNING_FACE_RESEARCH_DATA"


def research_file(name: str) -> Path | None:
    """Find a file that the project may not ship.

    The folder is the one that the environment variable ``LIGHTNING_FACE_RESEARCH_DATA`` names;
    without it ``shared/data`` beside the checkout.

    Args:
        name: Path of the file below that folder, such as ``facemorphic/vit-event.safetensors``.

    Returns:
        The file, or None where it is absent; tests skip then, saying what they miss.
    """
    folder = os.environ.get(RESEARCH_DATA)
    folders = [Path(folder)] if folder else [up / "shared" / "data" for up in Path.cwd().parents]
    return next((each / name for each in folders if (each / name).is_file()), None)
