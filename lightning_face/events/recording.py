"""Frames of a whole recording, in step with the frames of an RGB camera or at a rate of their own.

Recordings may be whole arrays or come in blocks from a file: every event is looked at once, and no
more than the events of one frame and one block are held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lightning_face.errors import ConfigError, DataError
from lightning_face.events.centre_square import enlarge
from lightning_face.events.dark_frame import BACKGROUND, draw_dark
from lightning_face.events.event_array import EventArray
from lightning_face.events.event_queue import EventQueue, regular_times
from lightning_face.events.frame_times import check_times, frame_ends
from lightning_face.events.legacy_recording import LegacyDark, LegacyTBR, legacy_frames
from lightning_face.events.tbr import BinaryHistory

__all__ = [
    "Alignment",
    "RecordingFrames",
    "Representation",
    "frames_from_recording",
    "iterate_frames",
]

Representation = Literal["tbr", "dark"]
Alignment = Literal["exact", "legacy"]

# The published loop closes a slice at the first step of 1 ms above 4 ms: after 5 ms.
LEGACY_SLICE_US = 4000
EXACT_SLICE_US = 5000


@dataclass(frozen=True)
class RecordingFrames:
    """Frames of a recording and the numbers in their file names.

    Attributes:
        frames: Grey levels (frames, height, width), uint8.
        numbers: Numbers of the frames (frames,), int64, increasing.
    """

    frames: NDArray[np.uint8]
    numbers: NDArray[np.int64]


def frames_from_recording(
    events: EventArray | Iterable[EventArray],
    rgb_times: ArrayLike,
    representation: Representation = "dark",
    alignment: Alignment = "exact",
    num_bits: int = 8,
    slice_us: int | None = None,
    step_us: int = 1000,
    size: int | None = None,
) -> RecordingFrames:
    """Draw one event frame for each frame of an RGB camera.

    ``"exact"`` gives every event to the frame it belongs to and numbers the frames from 0, see
    `frame_ends`. ``"legacy"`` repeats the loop that made the published frames: it reads the
    recording in steps, ends frame i about one mean interval after RGB frame i, forgets the events
    that are pending at the end of a TBR frame, lets the last frame run to the end of the recording,
    and skips a number before it. A recording that ends early then gives fewer frames.

    Args:
        events: A recording, or its blocks in order of time.
        rgb_times: Times of the RGB frames in microseconds, not decreasing (frames,).
        representation: ``"tbr"`` or ``"dark"``.
        alignment: ``"exact"`` or ``"legacy"``.
        num_bits: Slices that a TBR frame holds, 1 to 32.
        slice_us: Length of a TBR slice in microseconds, 5000 by default; for ``"legacy"`` the
            time after which the next step ends a slice, 4000 by default.
        step_us: Step of the published loop in microseconds.
        size: Side in pixels of the centre square that is drawn, its pixels picked by nearest
            index; None draws the whole sensor.

    Returns:
        Frames and their numbers.

    Raises:
        ConfigError: A setting is unknown or out of range.
        DataError: Events lie outside the sensor or run back in time, or so do the RGB times.

    Source:
        Published code of Becattini et al. 2024 (arXiv 2409.10213) for ``"legacy"``.
    """
    _check_choice("representation", representation, get_args(Representation))
    _check_choice("alignment", alignment, get_args(Alignment))
    if alignment == "exact":
        ends = frame_ends(rgb_times)
        exact = iterate_frames(
            events,
            ends.tolist(),
            representation=representation,
            num_bits=num_bits,
            slice_us=EXACT_SLICE_US if slice_us is None else slice_us,
            size=size,
        )
        return RecordingFrames(np.stack(list(exact)), np.arange(len(ends)))
    if step_us < 1:
        raise ConfigError(f"step_us={step_us}: a step takes at least 1 microsecond")
    queue = EventQueue(events, size)
    sensor = queue.height, queue.width
    drawing = (
        LegacyDark(*sensor)
        if representation == "dark"
        else LegacyTBR(*sensor, LEGACY_SLICE_US if slice_us is None else slice_us, num_bits)
    )
    numbers, drawn = zip(
        *legacy_frames(queue, check_times(rgb_times), drawing, step_us), strict=True
    )
    frames = np.stack(drawn)
    return RecordingFrames(
        frames if size is None else enlarge(frames, size), np.array(numbers, np.int64)
    )


def iterate_frames(
    events: EventArray | Iterable[EventArray],
    frame_times: Iterable[int] | None = None,
    *,
    frame_rate: float | None = None,
    representation: Representation = "dark",
    num_bits: int = 8,
    slice_us: int = EXACT_SLICE_US,
    size: int | None = None,
) -> Iterator[NDArray[np.uint8]]:
    """Draw frames one after the other, with constant memory for recordings of any length.

    Args:
        events: A recording, or its blocks in order of time.
        frame_times: Ends of the frames in microseconds, not decreasing. The first frame holds
            everything before its end.
        frame_rate: Frames each second, instead of their times: the first frame begins with the
            first event, the last one holds the last event.
        representation: ``"tbr"`` or ``"dark"``.
        num_bits: Slices that a TBR frame holds, 1 to 32.
        slice_us: Length of a TBR slice in microseconds.
        size: Side in pixels of the centre square that is drawn, its pixels picked by nearest
            index; None draws the whole sensor.

    Yields:
        Grey levels (height, width).

    Raises:
        ConfigError: Neither or both of times and rate are given, or a setting is out of range.
        DataError: Events lie outside the sensor or run back in time, or so do the frame times.
    """
    _check_choice("representation", representation, get_args(Representation))
    queue = EventQueue(events, size)
    if (frame_times is None) == (frame_rate is None):
        raise ConfigError("give either the times of the frames or their rate")
    times = regular_times(queue, frame_rate) if frame_rate is not None else iter(frame_times or ())
    draw: Callable[[int], NDArray[np.uint8]]
    if representation == "dark":

        def draw(time_us: int) -> NDArray[np.uint8]:
            frame = np.full((queue.height, queue.width), BACKGROUND, np.uint8)
            draw_dark(frame, queue.take_until(time_us))
            return frame
    else:
        history = BinaryHistory(queue.height, queue.width, slice_us, num_bits)

        def draw(time_us: int) -> NDArray[np.uint8]:
            return history.advance(queue.take_until(history.complete_until(time_us)), time_us)

    previous: int | None = None
    for time in times:
        if previous is not None and time < previous:
            raise DataError(f"frame times run back: {time} us after {previous} us")
        previous = int(time)
        frame = draw(previous)
        yield frame if size is None else enlarge(frame, size)


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{name}={value!r}: choose one of {', '.join(choices)}")
