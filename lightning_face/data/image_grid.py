"""Batches of pictures on one sheet, and pictures as files want them."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

__all__ = ["make_grid", "to_pil", "to_uint8"]


def make_grid(images: Tensor, columns: int = 8, padding: int = 2) -> Tensor:
    """Lay pictures of one size out in rows on a black sheet.

    Every picture is framed by ``padding`` black pixels. A single picture is returned as it is,
    which is what the grids of the published comparison pictures do.

    Args:
        images: Pictures ``(batch, channels, height, width)``; one channel is shown as grey.
        columns: Pictures in a row; fewer if the batch is smaller.
        padding: Width of the frame in pixels.

    Returns:
        The sheet ``(3, sheet height, sheet width)``; ``n`` pictures of ``height`` below each other
        take ``n * (height + padding) + padding`` pixels, and likewise across.

    Raises:
        ValueError: If ``images`` is not a batch of at least one picture with 1 or 3 channels.
    """
    if images.dim() != 4 or images.shape[0] == 0 or images.shape[1] not in (1, 3):
        msg = f"expected pictures (batch, 1 or 3, height, width), got {tuple(images.shape)}"
        raise ValueError(msg)
    if images.shape[1] == 1:
        images = images.expand(-1, 3, -1, -1)
    count, channels, height, width = images.shape
    if count == 1:
        return images[0]
    columns = min(columns, count)
    rows = -(-count // columns)
    sheet = images.new_zeros(
        channels, rows * (height + padding) + padding, columns * (width + padding) + padding
    )
    for index, image in enumerate(images):
        top = (index // columns) * (height + padding) + padding
        left = (index % columns) * (width + padding) + padding
        sheet[:, top : top + height, left : left + width] = image
    return sheet


def to_uint8(images: Tensor) -> Tensor:
    """Turn pictures in [0, 1] into 8-bit ones: times 255, plus 0.5, clamped, truncated.

    Args:
        images: Pictures of any shape; values outside [0, 1] are clamped.

    Returns:
        The pictures as ``torch.uint8``, same shape.
    """
    return (images.detach().float() * 255).add_(0.5).clamp_(0, 255).to(torch.uint8)


def to_pil(image: Tensor) -> Image.Image:
    """Turn one picture in [0, 1] into an 8-bit one to save.

    Args:
        image: RGB ``(3, height, width)``; values outside [0, 1] are clamped.

    Returns:
        The picture in mode ``RGB``.
    """
    return Image.fromarray(to_uint8(image).permute(1, 2, 0).cpu().numpy())
