"""Temporal binary representation: the last slices of time of every pixel as the bits of one number.

A bit tells whether any event, of either polarity, fell on the pixel in that slice; the newest slice
is the most significant. With eight slices the number is the byte of a grey picture.

Source: Innocenti et al. 2021, "Temporal Binary Representation for Event-Based Action Recognition".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lightning_face.errors import ConfigError
from lightning_face.events.accumulation import check_events, loops
from lightning_face.events.event_array import EventArray
from lightning_face.events.frame_times import check_times

__all__ = ["BinaryHistory", "LegacyHistory", "encode_tbr", "grey_levels", "tbr", "tbr_legacy"]

_MAX_BITS = 32


class BinaryHistory:
    """Bits of the last slices of time of every pixel, advanced from frame to frame.

    All words move by the number of slices between two frames at once, so that the work is one
    operation for each event and one for each pixel of a frame, however short the slices.

    Attributes:
        words: Newest slice in bit ``num_bits - 1`` (height, width), unsigned.
    """

    def __init__(self, height: int, width: int, slice_us: int, num_bits: int = 8) -> None:
        """Begin with a history without events.

        Args:
            height: Height of the sensor in pixels.
            width: Width of the sensor in pixels.
            slice_us: Length of a slice in microseconds; slices begin at multiples of it.
            num_bits: Slices that a frame holds, 1 to 32.

        Raises:
            ConfigError: A slice has no length, or the number of bits is out of range.
        """
        _check_bits(num_bits)
        if slice_us < 1:
            raise ConfigError(f"slice_us={slice_us}: a slice takes at least 1 microsecond")
        self.slice_us = slice_us
        self.num_bits = num_bits
        self.words = np.zeros((height, width), np.min_scalar_type(2**num_bits - 1))
        self._slices: int | None = None

    def complete_until(self, time_us: int) -> int:
        """End of the last slice that is over at a time, both in microseconds."""
        return time_us // self.slice_us * self.slice_us

    def advance(self, events: EventArray, time_us: int) -> NDArray[np.uint8]:
        """Take in the slices that have become complete, and draw the frame.

        Args:
            events: Events up to ``complete_until(time_us)`` that were not given before; older
                ones than the history is long may be left out.
            time_us: Time of the frame in microseconds, not before that of the last frame.

        Returns:
            Grey levels (height, width).
        """
        now = time_us // self.slice_us
        passed = self.num_bits if self._slices is None else min(now - self._slices, self.num_bits)
        self._slices = now
        if passed >= self.num_bits:
            self.words[:] = 0
        elif passed:
            np.right_shift(self.words, passed, out=self.words)
        if len(events):
            starts = (now - self.num_bits + np.arange(self.num_bits + 1)) * self.slice_us
            ends = np.searchsorted(events.t, starts)
            bits = np.left_shift(1, np.arange(self.num_bits)).astype(self.words.dtype)
            loops().mark_slices(self.words, events.x, events.y, ends, bits)
        return grey_levels(self.words, self.num_bits)


class LegacyHistory:
    """The recursion that made the published frames, in float32.

    Every slice halves the frame and adds the new bits. The bits that expire are subtracted with a
    weight of 1 where they had been added with a little over a half, so that grey levels come out
    up to one lower than those of `BinaryHistory`.

    Attributes:
        frame: Present values (height, width), float32.

    Source:
        Published code of Becattini et al. 2024 (arXiv 2409.10213).
    """

    def __init__(self, height: int, width: int, num_bits: int = 8) -> None:
        """Begin with a frame of zeros.

        Args:
            height: Height of the sensor in pixels.
            width: Width of the sensor in pixels.
            num_bits: Slices that a frame holds, 1 to 32.

        Raises:
            ConfigError: The number of bits is out of range.
        """
        _check_bits(num_bits)
        self.num_bits = num_bits
        self.frame = np.zeros((height, width), np.float32)
        self._bits = np.zeros((height, width), np.uint64)

    def push(self, plane: NDArray[np.uint8] | NDArray[np.bool_]) -> None:
        """Take in one slice.

        Args:
            plane: Not zero where an event fell (height, width).
        """
        loops().push_bits(self.frame, self._bits, plane, self.num_bits)

    def grey(self) -> NDArray[np.uint8]:
        """Present grey levels (height, width), rounded half to even and cut at 0 and 255."""
        return np.clip(np.rint(self.frame * np.float32(255)), 0, 255).astype(np.uint8)


def encode_tbr(bits: ArrayLike) -> NDArray[np.float64]:
    """Encode planes of bits.

    Args:
        bits: Not zero where an event fell, oldest slice first (bits, height, width).

    Returns:
        Values in 0..1 (height, width): the sum of ``2**i`` over the set bits, relative to the sum
        over all bits.
    """
    planes = np.asarray(bits) != 0
    weights = 2.0 ** np.arange(len(planes))
    return np.tensordot(weights, planes.astype(np.float64), 1) / (2.0 ** len(planes) - 1)


def tbr(
    events: EventArray,
    frame_times: Sequence[int] | NDArray[np.int64],
    slice_us: int,
    num_bits: int = 8,
) -> NDArray[np.uint8]:
    """Draw frames at given times.

    A frame shows the last ``num_bits`` slices that are complete at its time, so that every event
    belongs to exactly one slice and the same slice looks the same in all frames.

    Args:
        events: Events of a recording.
        frame_times: Times of the frames in microseconds, non-decreasing (frames,).
        slice_us: Length of a slice in microseconds; slices begin at multiples of it.
        num_bits: Slices that a frame holds, 1 to 32.

    Returns:
        Grey levels (frames, height, width).

    Raises:
        ConfigError: A slice has no length, or the number of bits is out of range.
        DataError: An event lies outside the sensor or is older than the one before it, or a
            frame is.
    """
    check_events(events)
    history = BinaryHistory(events.height, events.width, slice_us, num_bits)
    times = check_times(frame_times).tolist() if len(frame_times) else []
    ends = np.searchsorted(events.t, [history.complete_until(time) for time in times])
    frames = np.empty((len(times), events.height, events.width), np.uint8)
    start = 0
    for frame, time, end in zip(frames, times, ends, strict=True):
        frame[:] = history.advance(events[start:end], time)
        start = end
    return frames


def tbr_legacy(bit_planes: ArrayLike, num_bits: int = 8) -> NDArray[np.float32]:
    """Run the published recursion over planes of bits.

    Args:
        bit_planes: Not zero where an event fell (slices, height, width).
        num_bits: Slices that a frame holds, 1 to 32.

    Returns:
        Values after each slice (slices, height, width).

    Raises:
        ConfigError: The number of bits is out of range.
    """
    planes = np.asarray(bit_planes) != 0
    height, width = planes.shape[1:]
    history = LegacyHistory(height, width, num_bits)
    frames = np.empty(planes.shape, np.float32)
    for frame, plane in zip(frames, planes, strict=True):
        history.push(plane)
        frame[:] = history.frame
    return frames


def grey_levels(words: NDArray[np.unsignedinteger], num_bits: int = 8) -> NDArray[np.uint8]:
    """Scale numbers of ``num_bits`` bits to grey levels 0..255."""
    if num_bits == 8:
        return words.astype(np.uint8)
    return np.rint(words * (255 / (2**num_bits - 1))).astype(np.uint8)


def _check_bits(num_bits: int) -> None:
    if not 1 <= num_bits <= _MAX_BITS:
        raise ConfigError(f"num_bits={num_bits}: a frame holds 1 to {_MAX_BITS} slices")
