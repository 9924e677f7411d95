"""Centre squares of a sensor at another size, cut before anything is drawn.

Picking pixels by nearest index commutes with drawing: a frame of the picked events equals the
picked pixels of the whole frame, and costs a fraction of it.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import ConfigError
from lightning_face.events.accumulation import loops
from lightning_face.events.event_array import EventArray

__all__ = ["centre_square", "enlarge"]


def centre_square(events: EventArray, size: int) -> EventArray:
    """Keep the events of the centre square of a sensor, on a sensor of at most the given size.

    Row and column i of the result are those at ``floor(i * side / size)`` of the square, whose side
    is the shorter one of the sensor and which begins at ``floor((long - short) / 2)``.

    Args:
        events: Events on the sensor (checked by the representation that draws them).
        size: Side of the result in pixels. A square that is smaller keeps its own size, and
            `enlarge` makes the rest of the way after drawing.

    Returns:
        Events whose pixel was picked.

    Raises:
        ConfigError: The size is below 1.
    """
    if size < 1:
        raise ConfigError(f"size={size}: a frame has at least 1 pixel a side")
    size = min(size, events.height, events.width)
    columns, rows = _places(events.height, events.width, size)
    t, x, y, p = loops().keep_pixels(events.t, events.x, events.y, events.p, columns, rows)
    return EventArray(t, x, y, p, size, size)


@functools.lru_cache(maxsize=8)
def _places(height: int, width: int, size: int) -> NDArray[np.int32]:
    side = min(height, width)
    picked = np.arange(size) * side // size
    # events may name pixels outside the sensor: those find no place
    places = np.full((2, 2**16), -1, np.int32)
    for place, length in zip(places, (width, height), strict=True):
        place[picked + (length - side) // 2] = np.arange(size)
    return places


def enlarge(frame: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize a square frame by nearest index to a size that is not below its own.

    Args:
        frame: Square frame (..., side, side).
        size: New side in pixels.

    Returns:
        Frame (..., size, size).
    """
    side = frame.shape[-1]
    if size == side:
        return frame
    picked = np.arange(size) * side // size
    return frame[..., picked[:, None], picked]
