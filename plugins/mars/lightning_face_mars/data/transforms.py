"""From picture files to what the image encoder takes."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFile
from torch import Tensor

from lightning_face.data.image_folder import read_image
from lightning_face.errors import DataError

__all__ = ["MEAN", "STANDARD_DEVIATION", "image_tensor", "read_person", "square", "unnormalize"]

MEAN = (0.48145466, 0.4578275, 0.40821073)
"""Means of the channels red, green and blue in 0..1 that are taken off; those of CLIP."""

STANDARD_DEVIATION = (0.26862954, 0.26130258, 0.27577711)
"""Deviations of the channels red, green and blue in 0..1 that are divided by; those of CLIP."""

# Pillow has one switch for all of a process
_truncation_lock = threading.Lock()


def read_person(path: Path) -> Image.Image:
    """Read a picture as 8-bit RGB; what a truncated file lacks is grey.

    Args:
        path: File of the picture.

    Raises:
        DataError: The file is missing, empty or no picture.
    """
    try:
        return read_image(path)
    except DataError:
        with _truncation_lock:
            before = ImageFile.LOAD_TRUNCATED_IMAGES
            ImageFile.LOAD_TRUNCATED_IMAGES = True
            try:
                return read_image(path)
            finally:
                ImageFile.LOAD_TRUNCATED_IMAGES = before


def square(image: Image.Image, size: int) -> NDArray[np.uint8]:
    """Squash a picture into a square, whatever its aspect ratio.

    Args:
        image: Picture in mode ``RGB``.
        size: Side of the square in pixels.

    Returns:
        The square ``(size, size, 3)``, made with bicubic filtering that averages when it shrinks.
        Both directions are filtered one after the other, with 8-bit values between.

    Source:
        RaSa and MARS, transformation of pictures in the published code.
    """
    # The order of Pillow 13, which earlier versions lack; two calls give all of them the same.
    height_first = image.height > size and image.height - size > 2 * (image.width - size)
    between = (image.width, size) if height_first else (size, image.height)
    bicubic = Image.Resampling.BICUBIC
    return np.asarray(image.resize(between, bicubic).resize((size, size), bicubic))


def image_tensor(pixels: NDArray[np.uint8], flip: bool = False) -> Tensor:
    """Normalise a picture.

    Args:
        pixels: Picture ``(height, width, 3)``.
        flip: Whether to mirror left and right.

    Returns:
        The picture ``(3, height, width)`` in float32.
    """
    image = torch.from_numpy(np.array(pixels[:, ::-1] if flip else pixels)).permute(2, 0, 1)
    mean, deviation = _statistics(image)
    return ((image.float() / 255 - mean) / deviation).contiguous()


def unnormalize(images: Tensor) -> Tensor:
    """Undo the normalisation of pictures.

    Args:
        images: Normalised pictures ``(..., 3, height, width)``.

    Returns:
        The pictures in 0..1, same shape.
    """
    mean, deviation = _statistics(images)
    return (images * deviation + mean).clamp(0, 1)


def _statistics(images: Tensor) -> tuple[Tensor, Tensor]:
    mean = torch.tensor(MEAN, device=images.device)
    deviation = torch.tensor(STANDARD_DEVIATION, device=images.device)
    return mean[:, None, None], deviation[:, None, None]
