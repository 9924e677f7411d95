"""Recordings as the speech encoder takes them, prepared once and kept on the disk."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_face.audio.audio_file import load_audio
from lightning_face.audio.waveform import normalize_waveform
from lightning_face.cache import cache_folder
from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.errors import DataError

__all__ = ["SAMPLE_RATE", "cached_waveform"]

log = logging.getLogger(__name__)

SAMPLE_RATE = 16000
"""Samples per second of all waveforms."""

_VERSION = 1


def cached_waveform(path: Path) -> NDArray[np.float32]:
    """Return a recording at 16 kHz, of zero mean and unit variance, from the cache if it is there.

    Entries lie in ``waveforms`` in the cache folder of Lightning Face and may be deleted. One is
    made anew when the recording has another size or time of change.

    Args:
        path: Sound file.

    Returns:
        Samples ``(samples,)``, mapped from the disk.

    Raises:
        DataError: The recording is missing, empty or damaged.
    """
    entry = _entry(path)
    if entry.is_file():
        kept = _read(entry)
        if kept is not None:
            return kept
        log.warning("%s is damaged: %s is prepared again", entry, path)
    waveform = normalize_waveform(load_audio(path, SAMPLE_RATE))
    if not np.isfinite(waveform).all():
        raise DataError(f"{path}: the sound is not finite")
    with atomic_path(entry) as temporary, temporary.open("wb") as file:
        np.save(file, waveform)
    return waveform


def _entry(path: Path) -> Path:
    try:
        state = path.stat()
    except OSError as error:
        raise DataError(f"{path} is missing") from error
    words = (_VERSION, SAMPLE_RATE, str(path.resolve()), state.st_size, state.st_mtime_ns)
    return cache_folder() / "waveforms" / f"{hashlib.sha256(repr(words).encode()).hexdigest()}.npy"


def _read(entry: Path) -> NDArray[np.float32] | None:
    try:
        kept: NDArray[np.float32] = np.load(entry, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return kept if kept.ndim == 1 and kept.dtype == np.float32 and len(kept) else None
