"""What every baseline does to a clip before its first layer."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from lightning_face.errors import DataError

__all__ = ["check_clip", "prepare_frames", "resize_frames"]


def prepare_frames(clip: Tensor, dtype: torch.dtype) -> Tensor:
    """Bring grey levels to floating point in [0, 1].

    Args:
        clip: Frames of any shape; uint8 is divided by 255, floating point is taken as it is.
        dtype: Type of the network's weights.
    """
    frames = clip.to(dtype)
    return frames / 255 if clip.dtype == torch.uint8 else frames


def resize_frames(clip: Tensor, size: int) -> Tensor:
    """Resize frames to a square by taking the nearest pixel.

    Args:
        clip: Frames ``(batch, frames, channels, height, width)``.
        size: Height and width of the result in pixels.
    """
    if clip.shape[-2:] == (size, size):
        return clip
    resized = functional.interpolate(clip.flatten(0, 1), size=(size, size), mode="nearest")
    return resized.unflatten(0, clip.shape[:2])


def check_clip(clip: Tensor, channels: int, network: str, sizes: range | None = None) -> None:
    """Refuse what is no clip, or one of other sizes than a network was built for.

    Args:
        clip: Frames ``(batch, frames, channels, height, width)``.
        channels: Channels that the network takes.
        network: Name of the network for the message.
        sizes: Heights and widths in pixels that the network takes; None is any.

    Raises:
        DataError: The clip does not fit.
    """
    if clip.ndim != 5:
        raise DataError(
            f"{network} takes clips (batch, frames, channels, height, width), got a tensor of "
            f"shape {tuple(clip.shape)}"
        )
    if clip.shape[2] != channels:
        raise DataError(
            f"{network} was built for {channels} channels and got a clip with {clip.shape[2]}: "
            "events have 1 and RGB has 3; change the modality or the channels of the network"
        )
    height, width = clip.shape[3:]
    if sizes is not None and not (height in sizes and width in sizes):
        raise DataError(
            f"{network} takes frames of {sizes.start} to {sizes.stop - 1} pixels a side and got "
            f"{height}x{width}: change the image size of the data"
        )
