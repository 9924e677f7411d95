"""Pictures of events to look at, in colour, frame by frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import ConfigError
from lightning_face.events.centre_square import enlarge
from lightning_face.events.dark_frame import DARK_PALETTE, dark_picture
from lightning_face.events.event_array import EventArray
from lightning_face.events.event_count import event_count
from lightning_face.events.event_queue import EventQueue, regular_times
from lightning_face.events.recording import EXACT_SLICE_US, iterate_frames
from lightning_face.events.time_surface import LatestTimes
from lightning_face.events.voxel_grid import voxel_grid

__all__ = ["Style", "count_picture", "render", "time_surface_picture", "voxel_picture"]

Style = Literal["dark", "tbr", "count", "voxel", "time-surface"]

# Events of a pixel at which its colour is full.
_FULL_COUNT = 8
_FULL_VOXEL = 3
_FADING_US = 30_000.0
# Planes of a voxel grid from the first to the last.
_VOXEL_COLOURS = np.array(
    [(68, 80, 200), (40, 160, 210), (90, 200, 110), (240, 200, 60), (240, 90, 60)], np.float32
)
_BACKGROUND, _NEGATIVE, _POSITIVE = (
    np.array(DARK_PALETTE[name], np.float32) for name in ("background", "negative", "positive")
)


def render(
    events: EventArray | Iterable[EventArray],
    frame_rate: float,
    style: Style = "dark",
    size: int | None = None,
    num_bits: int = 8,
    slice_us: int = EXACT_SLICE_US,
) -> Iterator[NDArray[np.uint8]]:
    """Draw a recording as pictures at a rate, from the first event to the last.

    Args:
        events: A recording, or its blocks in order of time.
        frame_rate: Pictures for each second of the recording.
        style: ``"dark"`` (last polarity), ``"tbr"`` (grey, last slices as bits), ``"count"``
            (number and mean polarity), ``"voxel"`` (colour tells when inside the frame) or
            ``"time-surface"`` (how recently).
        size: Side in pixels of the centre square that is drawn; None draws the whole sensor.
        num_bits: Slices that a TBR frame holds.
        slice_us: Length of a TBR slice in microseconds.

    Yields:
        Red, green and blue (height, width, 3), or grey levels (height, width) for ``"tbr"``.

    Raises:
        ConfigError: A setting is unknown or out of range.
        DataError: Events lie outside the sensor or run back in time.
    """
    if style not in get_args(Style):
        raise ConfigError(f"style={style!r}: choose one of {', '.join(get_args(Style))}")
    if style == "tbr":
        yield from iterate_frames(
            events,
            frame_rate=frame_rate,
            representation="tbr",
            num_bits=num_bits,
            slice_us=slice_us,
            size=size,
        )
        return
    if style == "dark":
        for frame in iterate_frames(events, frame_rate=frame_rate, size=size):
            yield dark_picture(frame)
        return
    queue = EventQueue(events, size)
    latest = LatestTimes(queue.height, queue.width)
    start = queue.first_us()
    for end in regular_times(queue, frame_rate):
        window = queue.take_until(end)
        if style == "count":
            picture = count_picture(event_count(window))
        elif style == "voxel":
            picture = voxel_picture(voxel_grid(window, len(_VOXEL_COLOURS), start, end))
        else:
            latest.add(window)
            picture = time_surface_picture(latest.surface(end, _FADING_US))
        start = end
        planes = picture.transpose(2, 0, 1)
        yield picture if size is None else enlarge(planes, size).transpose(1, 2, 0)


def count_picture(counts: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Colour event counts: brightness by the number, hue by the share of each polarity.

    Args:
        counts: Darker and brighter events (2, height, width).

    Returns:
        Red, green and blue (height, width, 3).
    """
    darker, brighter = counts.astype(np.float32)
    total = darker + brighter
    share = (brighter / np.maximum(total, 1))[..., None]
    colour = _NEGATIVE + share * (_POSITIVE - _NEGATIVE)
    return _over_background(colour, np.sqrt(total / _FULL_COUNT))


def voxel_picture(grid: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colour a voxel grid of five planes from blue, the oldest, to red, the newest.

    Args:
        grid: Sums of polarities (5, height, width).

    Returns:
        Red, green and blue (height, width, 3).
    """
    weights = np.abs(grid)
    total = weights.sum(axis=0)
    colour = np.einsum("bhw,bc->hwc", weights, _VOXEL_COLOURS)
    colour /= np.maximum(total, 1e-6)[..., None]
    return _over_background(colour, total / _FULL_VOXEL)


def time_surface_picture(surface: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colour a time surface by the polarity of the last event, fading into the background.

    Args:
        surface: Values in 0..1 of darker and brighter events (2, height, width).

    Returns:
        Red, green and blue (height, width, 3).
    """
    darker, brighter = surface
    colour = np.where((brighter >= darker)[..., None], _POSITIVE, _NEGATIVE)
    return _over_background(colour, np.maximum(darker, brighter))


def _over_background(
    colour: NDArray[np.float32], opacity: NDArray[np.float32]
) -> NDArray[np.uint8]:
    blend = np.minimum(opacity, 1)[..., None]
    return np.rint(_BACKGROUND + blend * (colour - _BACKGROUND)).astype(np.uint8)
