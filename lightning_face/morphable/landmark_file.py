"""Landmarks of a video on disk: one ``.npz`` with plain arrays."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError
from lightning_face.morphable.model_file import read_arrays

__all__ = ["VideoLandmarks", "read_landmarks", "write_landmarks"]


class VideoLandmarks(NamedTuple):
    """Landmarks of the frames of a video.

    Attributes:
        landmarks: Pixels ``(frames, points, 2)``; not a number where there is no face.
        valid: Frames with a face ``(frames,)``.
    """

    landmarks: NDArray[np.float64]
    valid: NDArray[np.bool_]


def read_landmarks(path: Path | str) -> VideoLandmarks:
    """Read the arrays ``landmarks`` and, where there is one, ``valid`` of a ``.npz`` file.

    Without ``valid`` the frames whose landmarks are all finite have a face. Columns beyond x and
    y are dropped.

    Args:
        path: File to read.

    Raises:
        DataError: The file is missing, damaged or holds pickled objects, or its arrays are not
            ``(frames, points, 2 or more)`` and ``(frames,)``.
    """
    path = Path(path)
    arrays = read_arrays(path)
    if "landmarks" not in arrays:
        found = ", ".join(sorted(arrays)) or "nothing"
        raise DataError(f"{path} has no array landmarks (frames, points, 2); it has {found}")
    landmarks = arrays["landmarks"]
    if landmarks.ndim != 3 or landmarks.shape[2] < 2 or landmarks.dtype.kind not in "fiu":
        msg = f"{path}: landmarks must be numbers (frames, points, 2), not {landmarks.shape}"
        raise DataError(msg)
    pixels = landmarks[..., :2].astype(np.float64)
    valid = arrays.get("valid", np.isfinite(pixels).all(axis=(1, 2))).astype(bool)
    if valid.shape != (len(pixels),):
        raise DataError(f"{path}: valid is {valid.shape}, but there are {len(pixels)} frames")
    return VideoLandmarks(pixels, valid)


def write_landmarks(path: Path | str, landmarks: VideoLandmarks) -> None:
    """Write landmarks as `read_landmarks` reads them.

    Args:
        path: File to create or replace.
        landmarks: What to write.
    """
    # torch comes with it, which reading does not need
    from lightning_face.checkpoint.atomic import atomic_path

    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, landmarks=landmarks.landmarks, valid=landmarks.valid)
