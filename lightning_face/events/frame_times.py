"""Times of the frames of an RGB camera, and of the event frames that go with them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lightning_face.errors import DataError

__all__ = ["check_times", "frame_ends", "mean_interval"]


def check_times(times: ArrayLike) -> NDArray[np.int64]:
    """Convert times of frames to whole microseconds.

    Args:
        times: Times in microseconds (frames,).

    Raises:
        DataError: There are none, they are not finite, or they run back.
    """
    values = np.asarray(times)
    if values.ndim != 1 or not len(values):
        raise DataError(f"frame times have to be a list with at least one, not {values.shape}")
    if not np.isfinite(values).all():
        raise DataError(f"frame time {int(np.isfinite(values).argmin())} is not a number")
    whole = np.rint(values).astype(np.int64)
    backwards = np.flatnonzero(np.diff(whole) < 0)
    if len(backwards):
        frame = int(backwards[0]) + 1
        raise DataError(
            f"frame times run back at frame {frame}: {whole[frame]} us after {whole[frame - 1]} us"
        )
    return whole


def mean_interval(times: NDArray[np.int64]) -> int:
    """Mean interval of at least two frames in whole microseconds."""
    return round(int(times[-1] - times[0]) / (len(times) - 1))


def frame_ends(rgb_times: ArrayLike) -> NDArray[np.int64]:
    """Compute when the event frames end that belong to the frames of an RGB camera.

    Frame i holds the events from RGB frame i to RGB frame i + 1; the last one takes the mean
    interval. The clock of the events begins at the first RGB frame: no link between the cameras
    is known.

    Args:
        rgb_times: Times of the RGB frames in microseconds, not decreasing, at least two (frames,).

    Returns:
        Ends in microseconds after the first RGB frame (frames,).

    Raises:
        DataError: The times are not finite, run back, or are fewer than two.
    """
    times = check_times(rgb_times)
    if len(times) < 2:
        raise DataError("one RGB time stamp gives no frame interval: at least two are needed")
    since_first = times - times[0]
    return np.append(since_first[1:], since_first[-1] + mean_interval(times))
