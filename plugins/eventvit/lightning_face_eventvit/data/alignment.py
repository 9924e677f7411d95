"""Temporal alignment of events and RGB: shifting one of them, and measuring their offset."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_face_eventvit.data.clip import Element, pad_front, sample_window, take_frames

__all__ = [
    "OffsetEstimate",
    "ShiftMode",
    "estimate_offset",
    "event_motion",
    "motion_offset",
    "rgb_motion",
    "shift_clip",
    "shift_indices",
]

ShiftMode = Literal["true", "legacy"]

Curve = NDArray[np.floating]


class OffsetEstimate(NamedTuple):
    """How much later RGB moves than events.

    Attributes:
        frames: Offset in frames, with a fraction; positive where RGB comes later.
        correlation: Correlation of both curves at that offset, in -1..1.
    """

    frames: float
    correlation: float


def shift_indices(
    indices: NDArray[np.int64], shift: int, num_frames: int, mode: ShiftMode = "true"
) -> NDArray[np.int64]:
    """Delay one modality of a clip.

    Args:
        indices: Frame numbers of the clip in its recording, without padding.
        shift: Frames of delay, at least 0.
        num_frames: Frames of the padded clip.
        mode: ``true`` shows every frame ``shift`` places later, and what came before the window
            in the gap. ``legacy`` is the published test: ``shift`` frames of zeros in front, more
            of them up to ``num_frames``, then cut, so that a clip of at most ``num_frames - shift``
            frames does not change at all.

    Returns:
        Frame numbers ``(num_frames,)``; -1 stands for a frame of zeros.
    """
    if mode == "legacy":
        late = np.concatenate([np.full(shift, -1, dtype=np.int64), indices])
        return pad_front(late, num_frames)[:num_frames]
    return pad_front(np.maximum(indices - shift, -1), num_frames)


def shift_clip(
    frames: NDArray[Element], shift: int, num_frames: int, mode: ShiftMode = "legacy"
) -> NDArray[Element]:
    """Delay the frames of a clip about which nothing else is known.

    Args:
        frames: Frames ``(frames, ...)``.
        shift: Frames of delay, at least 0.
        num_frames: Frames of the result.
        mode: As for `shift_indices`; the gap of ``true`` holds zeros.

    Returns:
        Frames ``(num_frames, ...)``.
    """
    chosen = np.arange(len(frames), dtype=np.int64)
    if mode == "true":
        chosen = sample_window(len(frames), num_frames, "first")
    return take_frames(frames, shift_indices(chosen, shift, num_frames, mode))


def event_motion(frames: NDArray[np.generic]) -> Curve:
    """Return how much moves in each event frame: its mean grey level.

    Args:
        frames: Frames ``(frames, height, width, 1)``.

    Returns:
        Curve ``(frames,)``.
    """
    return frames.reshape(len(frames), -1).mean(axis=1, dtype=np.float64)


def rgb_motion(frames: NDArray[np.generic]) -> Curve:
    """Return how much moves in each RGB frame: the summed change of all channels per pixel.

    Args:
        frames: At least two frames ``(frames, height, width, 3)``.

    Returns:
        Curve ``(frames,)``; the first frame has the value of the second.

    Raises:
        ValueError: If there is only one frame.
    """
    if len(frames) < 2:
        raise ValueError(f"motion takes at least 2 frames, got {len(frames)}")
    # frame by frame: whole clips of differences would take eight times the memory of the clip
    change = [np.abs(after.astype(np.float64) - before).sum() for before, after in pairwise(frames)]
    pixels = frames.shape[1] * frames.shape[2]
    return np.array([change[0], *change]) / pixels


def motion_offset(event: Curve, rgb: Curve, window: int = 5) -> int:
    """Return the offset between the peaks of both curves as the published code computes it.

    The part of the RGB curve that is searched begins left of the events' peak, but its peak is
    counted from where a part as long as the right half would begin; near the ends of a recording
    the result is wrong by the difference. `estimate_offset` is right.

    Args:
        event: Motion of the events ``(frames,)``.
        rgb: Motion of the RGB frames ``(frames,)``.
        window: Frames searched to each side of the events' peak.

    Returns:
        Frames by which RGB is said to come later.
    """
    peak = int(np.argmax(event))
    left, right = min(peak, window), min(len(event) - 1 - peak, window)
    return int(np.argmax(rgb[peak - left : peak + right])) - right


def estimate_offset(event: Curve, rgb: Curve, largest: int = 15) -> OffsetEstimate:
    """Measure how much later RGB moves than events by cross-correlation of both curves.

    Each lag is judged by the correlation over the frames that both curves have there; a parabola
    through the best lag and its neighbours gives the fraction.

    Args:
        event: Motion of the events ``(frames,)``.
        rgb: Motion of the RGB frames ``(frames,)``.
        largest: Largest offset in frames to look at; at most half of the frames.

    Raises:
        ValueError: If the curves have different lengths or fewer than 4 frames.
    """
    if len(event) != len(rgb) or len(event) < 4:
        raise ValueError(f"curves of {len(event)} and {len(rgb)} frames cannot be compared")
    reach = min(largest, len(event) // 2)
    scores = np.array([_correlation(event, rgb, lag) for lag in range(-reach, reach + 1)])
    best = int(np.argmax(scores))
    fraction = 0.0
    if 0 < best < 2 * reach:
        before, here, after = scores[best - 1 : best + 2]
        curvature = before - 2 * here + after
        if curvature < 0:
            fraction = 0.5 * (before - after) / curvature
    return OffsetEstimate(float(best - reach + fraction), float(scores[best]))


def _correlation(event: Curve, rgb: Curve, lag: int) -> float:
    """Correlation of events with the RGB curve ``lag`` frames later."""
    length = len(event) - abs(lag)
    first = event[max(0, -lag) :][:length]
    second = rgb[max(0, lag) :][:length]
    first, second = first - first.mean(), second - second.mean()
    norm = np.sqrt((first * first).sum() * (second * second).sum())
    return float((first * second).sum() / norm) if norm > 0 else 0.0
