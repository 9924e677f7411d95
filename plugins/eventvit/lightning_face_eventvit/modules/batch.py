"""What the data modules hand to the modules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypedDict

import torch
from torch import Tensor

__all__ = ["CHANNELS", "Batch", "Modality", "example_batch"]

Modality = Literal["event", "rgb"]

CHANNELS: dict[Modality, int] = {"event": 1, "rgb": 3}
"""Channels of a frame by modality."""


class Batch(TypedDict, total=False):
    """Clips of one batch; keys of modalities and tracks that are not used are absent.

    Attributes:
        event: Event frames, uint8 ``(batch, frames, 1, height, width)``.
        rgb: RGB frames, uint8 ``(batch, frames, 3, height, width)``.
        frame_valid: False where a frame is padding, bool ``(batch, frames)``.
        label: Class of each clip, int64 ``(batch,)``.
        alpha: Expression coefficients, float32 ``(batch, frames, 32)``.
        alpha_valid: Frames that had a face, bool ``(batch, frames)``.
        user: Who is seen in each clip.
        files: Files that each clip was read from.
    """

    event: Tensor
    rgb: Tensor
    frame_valid: Tensor
    label: Tensor
    alpha: Tensor
    alpha_valid: Tensor
    user: list[str]
    files: list[str]


def example_batch(
    image_size: int | tuple[int, int],
    num_classes: int,
    modalities: Sequence[Modality],
    alphas: bool = False,
) -> Batch:
    """Make a batch of two short clips of noise.

    Args:
        image_size: Height and width of the frames in pixels.
        num_classes: Number of classes to draw labels from.
        modalities: Which clips to make.
        alphas: Whether to add expression coefficients.
    """
    generator = torch.Generator().manual_seed(0)
    size = (image_size, image_size) if isinstance(image_size, int) else image_size
    frames = 4
    batch: dict[str, Any] = {
        name: torch.randint(
            256, (2, frames, CHANNELS[name], *size), dtype=torch.uint8, generator=generator
        )
        for name in modalities
    }
    batch["frame_valid"] = torch.tensor([[False, *[True] * (frames - 1)], [True] * frames])
    batch["label"] = torch.randint(num_classes, (2,), generator=generator)
    if alphas:
        batch["alpha"] = 0.05 * torch.randn(2, frames, 32, generator=generator)
        batch["alpha_valid"] = batch["frame_valid"].clone()
    batch["user"] = ["user-0", "user-1"]
    batch["files"] = ["clip-0", "clip-1"]
    return Batch(**batch)  # type: ignore[typeddict-item]
