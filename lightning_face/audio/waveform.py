"""Sound at the rate and level that encoders of speech were trained on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from lightning_face.optional import optional_import

__all__ = ["normalize_waveform", "resample"]

Samples = NDArray[np.float32]

# What the feature extractors of Wav2Vec2 and HuBERT add to the variance.
_EPSILON = 1e-7


def normalize_waveform(samples: Samples) -> Samples:
    """Shift and scale a recording to mean 0 and variance 1.

    Args:
        samples: The whole recording (samples,).

    Returns:
        Samples (samples,), float32.
    """
    centred: Samples = samples - np.float32(samples.mean(dtype=np.float64))
    variance = np.square(centred).mean(dtype=np.float64)
    centred /= np.float32(math.sqrt(variance + _EPSILON))
    return centred


def resample(samples: Samples, source_rate: int, target_rate: int) -> Samples:
    """Change the sample rate of a recording.

    Args:
        samples: Samples (samples,).
        source_rate: Their rate in hertz.
        target_rate: Wanted rate in hertz.

    Returns:
        Samples (ceil(samples * target_rate / source_rate),), float32.

    Raises:
        ConfigError: soxr is not installed.
    """
    return resample_blocks([samples], source_rate, target_rate)


def resample_blocks(blocks: Iterable[Samples], source_rate: int, target_rate: int) -> Samples:
    """Change the sample rate of a recording that comes in consecutive blocks.

    Args:
        blocks: Samples (samples,) of each block.
        source_rate: Their rate in hertz.
        target_rate: Wanted rate in hertz.

    Returns:
        Samples of the whole recording, as from :func:`resample`.

    Raises:
        ConfigError: soxr is not installed.
    """
    if source_rate == target_rate:
        return np.concatenate([np.empty(0, np.float32), *blocks])
    soxr = optional_import("soxr", extra="speech")
    stream = soxr.ResampleStream(source_rate, target_rate, 1, dtype="float32", quality="HQ")
    count = 0

    def resampled() -> Iterator[Samples]:
        nonlocal count
        for block in blocks:
            count += len(block)
            yield stream.resample_chunk(block)
        yield stream.resample_chunk(np.empty(0, np.float32), last=True)

    samples = np.concatenate(list(resampled()))
    # counted as by librosa, with which the published networks were trained
    length = math.ceil(count * (target_rate / source_rate))
    return np.pad(samples[:length], (0, max(length - len(samples), 0)))
