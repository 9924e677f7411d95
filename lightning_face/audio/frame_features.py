"""Features of speech at the frame rate of a face: how many, and between which."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

__all__ = [
    "CONV_KERNELS",
    "CONV_STRIDES",
    "FEATURE_RATE",
    "interpolate_features",
    "num_features",
    "num_frames",
]

CONV_KERNELS = (10, 3, 3, 3, 3, 2, 2)
CONV_STRIDES = (5, 2, 2, 2, 2, 2, 2)
FEATURE_RATE = 50.0
"""Features of a second of speech, at 16000 samples a second, by the published conventions."""


def num_features(
    samples: int,
    kernels: Sequence[int] = CONV_KERNELS,
    strides: Sequence[int] = CONV_STRIDES,
) -> int:
    """Count the features that a stack of convolutions without padding makes of a recording.

    Args:
        samples: Samples of the recording.
        kernels: Kernel size of each convolution.
        strides: Stride of each convolution.

    Returns:
        Features, 0 where the recording is shorter than the stack's reach.
    """
    count = samples
    for kernel, stride in zip(kernels, strides, strict=True):
        count = max((count - kernel) // stride + 1, 0)
    return count


def num_frames(samples: int, fps: float) -> int:
    """Count the frames that a recording fills.

    Args:
        samples: Samples of the recording, at 16000 a second.
        fps: Frames each second.
    """
    return int(num_features(samples) / FEATURE_RATE * fps)


def interpolate_features(features: Tensor, num_frames: int) -> Tensor:
    """Stretch features linearly along time, first onto first frame and last onto last.

    Args:
        features: Features (batch, features, channels).
        num_frames: Frames to make, at least 1.

    Returns:
        Features at the frames (batch, frames, channels).
    """
    if features.shape[1] == num_frames:
        return features
    frames = functional.interpolate(
        features.transpose(1, 2), size=num_frames, mode="linear", align_corners=True
    )
    return frames.transpose(1, 2)
