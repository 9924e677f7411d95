"""The loss of pictures that are completed from a part of them and a text."""

from __future__ import annotations

from torch import Tensor

__all__ = ["reconstruction_loss", "to_patches"]


def to_patches(images: Tensor, patch_size: int) -> Tensor:
    """Cut pictures into squares.

    Args:
        images: Pictures ``(batch, 3, height, width)``, whose sides are multiples of the square's.
        patch_size: Side of a square.

    Returns:
        Squares row by row, with values in the order row, column, colour
        ``(batch, patches, 3 * patch_size ** 2)``.
    """
    batch, colors, height, width = images.shape
    rows, columns = height // patch_size, width // patch_size
    patches = images.view(batch, colors, rows, patch_size, columns, patch_size)
    return patches.permute(0, 2, 4, 3, 5, 1).reshape(batch, rows * columns, -1)


def reconstruction_loss(patches: Tensor, images: Tensor, mask: Tensor, patch_size: int) -> Tensor:
    """Compare what was hidden of pictures with what the decoder thinks of it.

    Args:
        patches: Predicted squares ``(batch, patches, 3 * patch_size ** 2)``.
        images: Pictures ``(batch, 3, height, width)``.
        mask: 1 for hidden squares, 0 for those shown ``(batch, patches)``.
        patch_size: Side of a square.

    Returns:
        Mean squared error of a hidden square; 0 where none is hidden.

    Source:
        A. Ergasti et al., MARS, TOMM 2025 (arXiv 2407.04287), visual reconstruction loss, with
        squares that are not normalised one by one.
    """
    errors = (patches.float() - to_patches(images.float(), patch_size)).square().mean(dim=2)
    return (errors * mask).sum() / mask.sum().clamp(min=1)
