"""Encoding of long recordings window by window."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from lightning_face.errors import ConfigError

if TYPE_CHECKING:
    from lightning_face.audio.speech_encoder import SpeechEncoder

__all__ = ["encode_in_windows"]

_SAMPLE_RATE = 16000
_FADE_SECONDS = 0.5


@torch.no_grad()
def encode_in_windows(
    encoder: SpeechEncoder,
    waveform: Tensor,
    num_frames: int,
    window: float = 30.0,
    overlap: float = 6.0,
) -> Iterator[Tensor]:
    """Encode a recording of any length in memory that does not depend on it.

    Features are those of the whole recording, and so is their place on the axis of frames; only
    the transformer sees one window at a time. Windows are joined where the speaker is quietest in
    their overlap, away from the ends, by a cross-fade of half a second.

    Args:
        encoder: Encoder in evaluation mode.
        waveform: Sound at 16 kHz (samples,), of mean 0 and variance 1, on any device.
        num_frames: Frames to stretch the recording over.
        window: Seconds that the transformer sees at a time.
        overlap: Seconds that consecutive windows have in common.

    Yields:
        Vectors of consecutive frames (frames, width); together they are all frames.

    Raises:
        ConfigError: The overlap has no room for a cross-fade, or takes more than a third of a
            window.
        DataError: The recording is too short for a feature.
    """
    if not 2 * _FADE_SECONDS <= overlap <= window / 3:
        raise ConfigError(
            f"window={window}, overlap={overlap}: windows have to overlap by "
            f"{2 * _FADE_SECONDS} s at least and by a third of their length at most"
        )
    rate = num_frames * _SAMPLE_RATE / len(waveform)
    shared, fade = max(round(overlap * rate), 1), max(round(_FADE_SECONDS * rate), 1)
    windows = _equal_windows(num_frames, round(window * rate), shared)
    if len(windows) == 1:
        yield encoder(waveform, num_frames=num_frames)[0]
        return
    features = encoder.features_of(waveform[None])
    weights = torch.arange(1, fade + 1)[:, None] / (fade + 1)
    frames = features.at_frames(range(*windows[0]), num_frames)
    rest = _encode(encoder, frames)
    begin = 0
    for (_, last_stop), (start, stop) in pairwise(windows):
        frames = torch.cat(
            [
                frames[:, start - last_stop :],
                features.at_frames(range(last_stop, stop), num_frames),
            ],
            dim=1,
        )
        encoded = _encode(encoder, frames)
        join = _quietest(waveform, start, last_stop, fade, num_frames)
        yield rest[: join - begin]
        mixed = torch.lerp(
            rest[join - begin :][:fade], encoded[join - start :][:fade], weights.to(encoded)
        )
        rest = torch.cat([mixed, encoded[join - start + fade :]])
        begin = join
    yield rest


def _encode(encoder: SpeechEncoder, frames: Tensor) -> Tensor:
    return encoder.forward_frames(frames)[0]


def _equal_windows(num_frames: int, longest: int, shared: int) -> list[tuple[int, int]]:
    """Divide frames into the fewest windows, of one length but for the last, that overlap.

    Returns:
        First frame of each window, and the one after its last.
    """
    if num_frames <= longest:
        return [(0, num_frames)]
    count = math.ceil((num_frames - shared) / (longest - shared))
    length = math.ceil((num_frames + (count - 1) * shared) / count)
    starts = [number * (length - shared) for number in range(count)]
    return [(start, min(start + length, num_frames)) for start in starts]


def _quietest(waveform: Tensor, start: int, stop: int, length: int, num_frames: int) -> int:
    """Find the quietest run of ``length`` frames between two frames, away from both."""
    margin = (stop - start - length) // 3
    start, stop = start + margin, stop - margin
    per_frame = len(waveform) / num_frames
    samples = waveform[int(start * per_frame) : int(stop * per_frame)]
    power = functional.adaptive_avg_pool1d(samples.float().square()[None], stop - start)
    return start + int(functional.avg_pool1d(power, length, stride=1).argmin())
