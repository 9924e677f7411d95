"""Generated pictures as bytes."""

from __future__ import annotations

from typing import Literal

import torch
from PIL import Image
from torch import Tensor

from lightning_face.data.image_grid import to_uint8

__all__ = ["Rounding", "to_image", "to_picture"]

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
    unit = (images.detach().float() + 1) / 2
    if rounding == "nearest":
        return to_uint8(unit)
    return (unit * 255).clamp(0, 255).to(torch.uint8)


def to_picture(image: Tensor, rounding: Rounding = "reference") -> Image.Image:
    """Turn one picture in [-1, 1] into an 8-bit one to save.

    Args:
        image: RGB ``(3, height, width)``; values outside [-1, 1] are clamped.
        rounding: As for `to_image`.

    Returns:
        The picture in mode ``RGB``.
    """
    return Image.fromarray(to_image(image, rounding).permute(1, 2, 0).cpu().numpy())
