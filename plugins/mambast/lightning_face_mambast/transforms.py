"""From pictures to the tensors that the network is trained and evaluated on.

Sizes are changed on 8-bit pixels, bilinearly and with antialiasing, as in the published code.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

__all__ = [
    "evaluation_transform",
    "fit_longer_side",
    "random_crop",
    "resize_exact",
    "resize_shorter_side",
    "to_tensor",
    "training_transform",
]


def training_transform(
    image: Image.Image, generator: torch.Generator, size: int = 512, crop: int = 256
) -> Tensor:
    """Resize to a square without keeping the aspect ratio and cut a random square out of it.

    Args:
        image: Picture in mode ``RGB``.
        generator: Source of the place of the cut.
        size: Side to resize to, in pixels.
        crop: Side of the cut, in pixels.

    Returns:
        RGB in [0, 1] ``(3, crop, crop)``.

    Raises:
        ValueError: If ``crop`` is larger than ``size``.
    """
    return to_tensor(random_crop(resize_exact(image, size), crop, generator))


def evaluation_transform(image: Image.Image, size: int = 512) -> Tensor:
    """Resize the shorter side and cut a square out of the middle.

    Args:
        image: Picture in mode ``RGB``.
        size: Side of the square in pixels.

    Returns:
        RGB in [0, 1] ``(3, size, size)``.
    """
    image = resize_shorter_side(image, size)
    left, top = (round((side - size) / 2) for side in image.size)
    return to_tensor(image.crop((left, top, left + size, top + size)))


def resize_exact(image: Image.Image, size: int) -> Image.Image:
    """Resize both sides to ``size``, whatever the aspect ratio."""
    return image.resize((size, size), Image.Resampling.BILINEAR)


def resize_shorter_side(image: Image.Image, size: int) -> Image.Image:
    """Resize so that the shorter side is ``size``; the longer one is rounded down."""
    width, height = image.size
    shorter, longer = min(width, height), int(size * max(width, height) / min(width, height))
    if shorter == size:
        return image
    target = (size, longer) if width <= height else (longer, size)
    return image.resize(target, Image.Resampling.BILINEAR)


def fit_longer_side(image: Image.Image, size: int) -> Image.Image:
    """Shrink so that no side is longer than ``size``; a smaller picture stays as it is."""
    width, height = image.size
    scale = size / max(width, height)
    if scale >= 1:
        return image
    target = (max(1, round(width * scale)), max(1, round(height * scale)))
    return image.resize(target, Image.Resampling.BILINEAR)


def random_crop(image: Image.Image, size: int, generator: torch.Generator) -> Image.Image:
    """Cut a square out of a random place.

    Args:
        image: Picture with sides of at least ``size``.
        size: Side of the square in pixels.
        generator: Source of the place.

    Raises:
        ValueError: If the picture is smaller than the square.
    """
    width, height = image.size
    if min(width, height) < size:
        msg = f"cannot cut {size}x{size} pixels out of {width}x{height}"
        raise ValueError(msg)
    top = int(torch.randint(height - size + 1, (), generator=generator))
    left = int(torch.randint(width - size + 1, (), generator=generator))
    return image.crop((left, top, left + size, top + size))


def to_tensor(image: Image.Image) -> Tensor:
    """Turn a picture in mode ``RGB`` into RGB in [0, 1] ``(3, height, width)``, float32."""
    pixels = torch.from_numpy(np.array(image))
    return pixels.permute(2, 0, 1).contiguous().float().div_(255)
