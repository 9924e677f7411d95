"""From the frames of a recording to a clip: cut, crop, resize and pad, as index arithmetic.

Everything that the published code does to a frame picks pixels, so crop and both resizes compose
into one list of rows and one of columns, and a clip is one gather.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "RESIZE",
    "Element",
    "activity_window",
    "centre_square",
    "crop_indices",
    "pad_front",
    "prepare_clip",
    "resize_indices",
    "sample_window",
    "take_frames",
]

RESIZE = 360
"""Side in pixels of the square that the published code reduces every frame to."""

Indices = NDArray[np.int64]
Element = TypeVar("Element", bound=np.generic)


def activity_window(start: int, end: int, num_frames: int) -> tuple[int, int]:
    """Clamp an annotated window to a recording.

    Args:
        start: First frame of the activity.
        end: Frame behind the last one.
        num_frames: Frames of the recording.

    Returns:
        First frame and the one behind the last. A window of at most one frame is no window: the
        whole recording is taken then, as in the published code.
    """
    stop = min(end, num_frames)
    return (start, stop) if stop - start > 1 else (0, num_frames)


def resize_indices(length: int, size: int) -> Indices:
    """Source index of each target pixel of a nearest resize, as OpenCV computes it.

    The step is the inverse of an inverse in double precision, so that now and then a pixel is the
    left neighbour of the one that exact arithmetic, floor(i * length / size), gives.

    Args:
        length: Source pixels.
        size: Target pixels.
    """
    step = 1.0 / (size / length)
    return np.minimum(np.floor(np.arange(size) * step).astype(np.int64), length - 1)


def crop_indices(start: int, length: int, size: int) -> Indices:
    """Source index of each target pixel of a crop with nearest resize, as torch computes it.

    Args:
        start: First source pixel of the crop.
        length: Source pixels of the crop.
        size: Target pixels.
    """
    step = np.float32(length) / np.float32(size)
    indices = np.floor(np.arange(size, dtype=np.float32) * step).astype(np.int64)
    return start + np.minimum(indices, length - 1)


def centre_square(height: int, width: int) -> tuple[int, int, int]:
    """Return top, left and side in pixels of the largest square in the middle of a frame.

    Args:
        height: Height of the frame in pixels.
        width: Width of the frame in pixels.
    """
    side = min(height, width)
    return (height - side) // 2, (width - side) // 2, side


def sample_window(length: int, num_frames: int, sampling: str, draw: float = 0.5) -> Indices:
    """Choose frames of a window.

    Args:
        length: Frames of the window.
        num_frames: Most frames to choose.
        sampling: ``first`` takes the first ones as the published code does, ``uniform`` spreads
            them over the window, ``random-window`` takes consecutive ones from a random start.
        draw: Number in [0, 1) that decides the random start; 0.5 is the middle.

    Returns:
        Positions in the window, increasing, at most ``num_frames``.
    """
    count = min(length, num_frames)
    if sampling == "uniform":
        return (2 * np.arange(count, dtype=np.int64) + 1) * length // (2 * count)
    offset = int(draw * (length - count + 1)) if sampling == "random-window" else 0
    return offset + np.arange(count, dtype=np.int64)


def pad_front(indices: Indices, num_frames: int) -> Indices:
    """Put -1, which stands for a frame of zeros, in front of at most ``num_frames`` indices.

    Args:
        indices: Frame numbers.
        num_frames: Length of the result.
    """
    padding = np.full(max(0, num_frames - len(indices)), -1, dtype=np.int64)
    return np.concatenate([padding, indices])


def take_frames(frames: NDArray[Element], indices: Indices) -> NDArray[Element]:
    """Gather frames along the first axis, zeros where the index is -1.

    Args:
        frames: Array ``(frames, ...)``.
        indices: Frame numbers ``(n,)`` or -1.

    Returns:
        Array ``(n, ...)`` of the same type.
    """
    taken = np.zeros((len(indices), *frames.shape[1:]), dtype=frames.dtype)
    there = indices >= 0
    taken[there] = frames[indices[there]]
    return taken


def prepare_clip(
    frames: NDArray[np.uint8],
    modality: str,
    window: tuple[int, int],
    num_frames: int,
    size: int,
    resize: int = RESIZE,
) -> NDArray[np.uint8]:
    """Make the clip that the published networks are evaluated on.

    In the published order: activity window, first ``num_frames``, centre square, nearest resize to
    ``resize``, green plane of events, frames of zeros in front, nearest resize to ``size``.

    Args:
        frames: Frames as read, grey or RGB ``(frames, height, width, 1 or 3)``.
        modality: ``event`` keeps the green plane, ``rgb`` all three.
        window: Annotated first frame and the one behind the last.
        num_frames: Frames of the clip.
        size: Side of the clip in pixels.
        resize: Side in pixels of the intermediate square.

    Returns:
        The clip ``(num_frames, channels, size, size)``.
    """
    start, stop = activity_window(*window, num_frames=len(frames))
    frames = frames[start : min(stop, start + num_frames)]
    top, left, side = centre_square(*frames.shape[1:3])
    pixels = resize_indices(side, resize)[crop_indices(0, resize, size)]
    cut = frames.take(top + pixels, axis=1).take(left + pixels, axis=2)
    if modality == "event":
        cut = cut[..., frames.shape[3] // 2, None]
    clip = cut.transpose(0, 3, 1, 2)
    padding = np.zeros((num_frames - len(clip), *clip.shape[1:]), dtype=np.uint8)
    return np.concatenate([padding, clip])
