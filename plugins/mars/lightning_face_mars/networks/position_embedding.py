"""Position embeddings of an image encoder, brought to pictures of another size."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from lightning_face.errors import WeightsError

__all__ = ["grid_side", "resize_position_embedding"]


def grid_side(patches: int) -> int:
    """Return the side of the square grid of that many patches.

    Raises:
        WeightsError: They form no square.
    """
    side = math.isqrt(patches)
    if side * side != patches:
        raise WeightsError(f"{patches} position embeddings form no square grid of patches")
    return side


def resize_position_embedding(embedding: Tensor, side: int) -> Tensor:
    """Interpolate the grid of a position embedding, keeping the row of the class token.

    Args:
        embedding: ``(1, 1 + patches, width)``, the class token first.
        side: Side of the new grid, in patches.

    Returns:
        ``(1, 1 + side * side, width)``.

    Raises:
        WeightsError: The embedding belongs to no square grid.

    Source: ALBEF (Li et al., NeurIPS 2021), fine-tuning at a higher resolution.
    """
    old_side = grid_side(embedding.shape[1] - 1)
    if old_side == side:
        return embedding
    class_row, grid = embedding[:, :1], embedding[:, 1:]
    grid = grid.unflatten(1, (old_side, old_side)).permute(0, 3, 1, 2)
    grid = functional.interpolate(grid.float(), (side, side), mode="bicubic", align_corners=False)
    grid = grid.to(embedding.dtype).flatten(2).mT
    return torch.cat([class_row, grid], dim=1)
