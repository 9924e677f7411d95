"""Generated pictures as bytes."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

__all__ = ["Rounding", "to_image"]

Rounding = Literal["reference", "nearest"]


def to_image(images: Tensor, rounding: Rounding = "reference") -> Tensor:
    """Turn pictures in [-1, 1] into 8-bit ones.

    Args:
        images: Pictures of any shape; values outside [-1, 1] are clamped.
        rounding: ``"reference"`` cuts the fraction off, as the published code does; ``"nearest"``
            rounds, so that an 8-bit picture comes back from [-1, 1] as it was.

    Returns:
        The pictures as ``torch.uint8``, same shape.
    """
    scaled = (images.detach().float() + 1) / 2 * 255
    if rounding == "nearest":
        scaled = scaled + 0.5
    return scaled.clamp(0, 255).to(torch.uint8)
