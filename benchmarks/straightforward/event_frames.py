"""Frames of events by numpy, one slice or frame at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lightning_face.events import EventArray

__all__ = ["count_events", "dark_frames", "tbr", "voxel_grid"]


def tbr(
    events: EventArray, frame_times: NDArray[np.int64], slice_us: int, num_bits: int
) -> NDArray[np.uint8]:
    """Halve a float frame and the stack of its last planes with every slice.

    The published recursion, with bits expiring at the weight at which they were added.
    """
    shape = events.height, events.width
    weight = np.float32(2 ** (num_bits - 1) / (2**num_bits - 1))
    stack = np.zeros((num_bits, *shape), np.float32)
    frame = np.zeros(shape, np.float32)
    frames: list[NDArray[np.uint8]] = []
    for number in range(int(frame_times[-1]) // slice_us + 1):
        while len(frames) < len(frame_times) and frame_times[len(frames)] // slice_us <= number:
            frames.append(np.rint(frame * 255).astype(np.uint8))
        inside = events.between(number * slice_us, (number + 1) * slice_us)
        plane = np.zeros(shape, np.float32)
        plane[inside.y, inside.x] = weight
        place = number % num_bits
        frame = (frame - stack[place]) / 2
        stack = stack / 2
        stack[place] = plane
        frame = frame + plane
    return np.stack(frames)


def dark_frames(events: EventArray, boundaries: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Assign the levels of all events of a frame at once."""
    frames = np.full((len(boundaries) - 1, events.height, events.width), 37, np.uint8)
    for frame, start, end in zip(frames, boundaries[:-1], boundaries[1:], strict=True):
        inside = events.between(int(start), int(end))
        frame[inside.y, inside.x] = np.where(inside.p == 1, 255, 126)
    return frames


def count_events(events: EventArray) -> NDArray[np.int32]:
    """Add one at the polarity, row and column of every event."""
    counts = np.zeros((2, events.height, events.width), np.int32)
    np.add.at(counts, (events.p, events.y, events.x), 1)
    return counts


def voxel_grid(events: EventArray, num_bins: int) -> NDArray[np.float32]:
    """Add both shares of every event at their plane, row and column."""
    start, end = events.t[0], events.t[-1]
    position = (num_bins - 1) * (events.t - start) / max(end - start, 1)
    lower = np.floor(position).astype(np.int64)
    sign = np.where(events.p == 1, 1.0, -1.0)
    grid = np.zeros((num_bins + 1, events.height, events.width), np.float32)
    for plane, share in ((lower, lower + 1 - position), (lower + 1, position - lower)):
        np.add.at(grid, (plane, events.y, events.x), (sign * share).astype(np.float32))
    return grid[:num_bins]
