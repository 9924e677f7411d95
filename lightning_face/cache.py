"""Where things are kept that can be made again: samples and compiled kernels."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder() -> Path:
    """Return ``$LIGHTNING_FACE_CACHE`` or else ``~/.cache/lightning-face``, made or not."""
    chosen = os.environ.get("LIGHTNING_FACE_CACHE")
    return Path(chosen) if chosen else Path.home() / ".cache" / "lightning-face"
