"""Dark frames: the last event of every pixel, in three levels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lightning_face.events.accumulation import check_events, loops
from lightning_face.events.event_array import EventArray
from lightning_face.events.frame_times import check_times

__all__ = [
    "BACKGROUND",
    "DARK_PALETTE",
    "NEGATIVE",
    "POSITIVE",
    "dark_frame",
    "dark_frames",
    "dark_picture",
    "draw_dark",
]

# Red, green and blue of the palette that camera makers call dark.
DARK_PALETTE = {
    "background": (30, 37, 52),
    "negative": (64, 126, 200),
    "positive": (255, 255, 255),
}
# Grey levels are the green values, the plane that the published networks were trained on.
BACKGROUND = DARK_PALETTE["background"][1]
NEGATIVE = DARK_PALETTE["negative"][1]
POSITIVE = DARK_PALETTE["positive"][1]


def dark_frame(events: EventArray) -> NDArray[np.uint8]:
    """Draw the last event of every pixel.

    Args:
        events: Events of one frame.

    Returns:
        Grey levels (height, width): 37 where nothing happened, 126 where the last event was
        darker, 255 where it was brighter.

    Raises:
        DataError: An event lies outside the sensor or is older than the one before it.

    Source:
        Cultrera et al. 2024 (arXiv 2410.21958), the frames of the published event network.
    """
    check_events(events)
    frame = np.full((events.height, events.width), BACKGROUND, np.uint8)
    draw_dark(frame, events)
    return frame


def dark_frames(
    events: EventArray, boundaries: Sequence[int] | NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Draw one dark frame for each span of time between two boundaries.

    Args:
        events: Events of a recording.
        boundaries: Ends of the spans in microseconds, non-decreasing (frames + 1,). Frame i shows
            events of ``boundaries[i] <= t < boundaries[i + 1]``.

    Returns:
        Grey levels 37, 126 and 255 (frames, height, width).

    Raises:
        DataError: An event lies outside the sensor or is older than the one before it, or a
            boundary is.
    """
    check_events(events)
    ends = np.searchsorted(events.t, check_times(boundaries))
    frames = np.full((len(ends) - 1, events.height, events.width), BACKGROUND, np.uint8)
    for frame, start, end in zip(frames, ends[:-1], ends[1:], strict=True):
        draw_dark(frame, events[start:end])
    return frames


def draw_dark(frame: NDArray[np.uint8], events: EventArray) -> None:
    """Draw events over a dark frame in place.

    Args:
        frame: Grey levels (height, width).
        events: Later events, which `check_events` has passed.
    """
    loops().mark_polarities(frame, events.x, events.y, events.p, NEGATIVE, POSITIVE)


def dark_picture(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give dark frames the colours of their palette, for viewing.

    Args:
        frame: Grey levels of `dark_frame` (..., height, width).

    Returns:
        The same frames as red, green and blue (..., height, width, 3).
    """
    colours = np.zeros((256, 3), np.uint8)
    for colour in DARK_PALETTE.values():
        colours[colour[1]] = colour
    return colours[frame]
