"""Frames as the residual networks among the baselines take them."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_face.errors import DataError
from lightning_face_eventvit.networks.baselines.clip import prepare_frames, resize_frames

__all__ = ["resnet_frames"]

IMAGE_SIZE = 224


def resnet_frames(clip: Tensor, dtype: torch.dtype) -> Tensor:
    """Resize frames to 224x224, repeat a single channel, and line all frames up.

    Args:
        clip: Frames ``(batch, frames, 1 or 3, height, width)``, uint8 or in [0, 1].
        dtype: Type of the network's weights.

    Returns:
        Pictures ``(batch * frames, 3, 224, 224)`` in [0, 1].

    Raises:
        DataError: The clip has other channels.
    """
    if clip.ndim != 5 or clip.shape[2] not in (1, 3):
        raise DataError(
            "the residual networks take clips (batch, frames, 1 or 3, height, width), got a "
            f"tensor of shape {tuple(clip.shape)}"
        )
    frames = prepare_frames(resize_frames(clip, IMAGE_SIZE), dtype)
    return frames.expand(-1, -1, 3, -1, -1).flatten(0, 1)
