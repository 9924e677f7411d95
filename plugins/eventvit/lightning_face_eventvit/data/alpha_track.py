"""Expression coefficients over time: reading, filling holes, cutting to a clip."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError
from lightning_face_eventvit.data.clip import pad_front, sample_window, take_frames

__all__ = [
    "AlphaTrack",
    "alpha_statistics",
    "fill_holes",
    "plain_path",
    "prepare_alphas",
    "read_alphas",
]

CONVERT = "lightning-face eventvit convert-pickles --trust-pickle"


class AlphaTrack(NamedTuple):
    """Coefficients of the frames of a recording.

    Attributes:
        alphas: Coefficients ``(frames, 32)``, float64; meaningless where not valid.
        valid: Whether a face was found ``(frames,)``.
    """

    alphas: NDArray[np.float64]
    valid: NDArray[np.bool_]


def plain_path(path: Path) -> Path:
    """Return where the plain arrays converted from a pickled npz file are written.

    Args:
        path: The pickled file, such as ``alphas32_mediapipe.npz``.
    """
    return path.with_suffix(".plain.npz")


def read_alphas(path: Path) -> AlphaTrack:
    """Read a track from plain arrays; pickles are refused.

    Args:
        path: File ``<name>.npz`` of the data set. Its conversion ``<name>.plain.npz`` is read if
            there is one, else the file itself, which must hold arrays ``alphas (frames, k)`` and
            ``valid (frames,)``.

    Raises:
        DataError: If neither is there, or what is there is damaged, holds pickles, or has arrays
            of other shapes or without a finite number.
    """
    converted = plain_path(path)
    path = converted if converted.is_file() else path
    try:
        with np.load(path, allow_pickle=False) as arrays:
            if "arr_0" in arrays.files:
                msg = f"{path} holds pickles, which are not read in training: run {CONVERT} ROOT"
                raise DataError(msg)
            alphas = np.asarray(arrays["alphas"], dtype=np.float64)
            valid = np.asarray(arrays["valid"], dtype=bool)
    except FileNotFoundError as error:
        raise DataError(f"alpha file {path} does not exist") from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"alpha file {path} cannot be read: {error}") from error
    if alphas.ndim != 2 or valid.shape != alphas.shape[:1]:
        shapes = f"alphas {alphas.shape} and valid {valid.shape}"
        raise DataError(f"alpha file {path} has {shapes} in place of (frames, k) and (frames,)")
    if not np.isfinite(alphas[valid]).all():
        raise DataError(f"alpha file {path} holds numbers that are not finite")
    return AlphaTrack(alphas, valid)


def fill_holes(
    alphas: NDArray[np.float64], valid: NDArray[np.bool_] | NDArray[np.uint8]
) -> NDArray[np.float64]:
    """Give frames without a face the coefficients of the last frame that had one.

    Frames before the first face take its coefficients.

    Args:
        alphas: Coefficients ``(frames, k)``.
        valid: Whether a face was found ``(frames,)``.

    Returns:
        Coefficients ``(frames, k)``; zeros if there was no face at all.
    """
    found = np.flatnonzero(valid)
    if not len(found):
        return np.zeros_like(alphas)
    last = np.searchsorted(found, np.arange(len(alphas)), side="right") - 1
    return alphas[found[np.maximum(last, 0)]]


def prepare_alphas(
    alphas: NDArray[np.float64],
    valid: NDArray[np.bool_] | NDArray[np.uint8],
    window: tuple[int, int],
    num_frames: int,
) -> NDArray[np.float64]:
    """Make the track that belongs to a clip: holes filled, window, first frames, zeros in front.

    Args:
        alphas: Coefficients ``(frames, k)``.
        valid: Whether a face was found ``(frames,)``.
        window: First frame and the one behind the last, which may lie behind the end.
        num_frames: Frames of the clip.

    Returns:
        Coefficients ``(num_frames, k)``, float64.
    """
    start, stop = window
    length = max(0, min(stop, len(alphas)) - start)
    indices = start + sample_window(length, num_frames, "first")
    return take_frames(fill_holes(alphas, valid), pad_front(indices, num_frames))


def alpha_statistics(
    tracks: Sequence[tuple[AlphaTrack, tuple[int, int]]],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and standard deviation of each coefficient, to standardise targets.

    Args:
        tracks: Tracks and the windows of them that count; holes do not.

    Returns:
        Mean and standard deviation ``(k,)``; the deviation is 1 where a coefficient never changes.

    Raises:
        DataError: If no frame of the windows shows a face.
    """
    rows = [track.alphas[start:stop][track.valid[start:stop]] for track, (start, stop) in tracks]
    together = np.concatenate(rows)
    if not len(together):
        raise DataError("no frame of the training clips shows a face: fit the coefficients again")
    deviation = together.std(axis=0)
    deviation[deviation == 0] = 1.0
    return together.mean(axis=0).astype(np.float32), deviation.astype(np.float32)
