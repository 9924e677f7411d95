"""The order in which a direction of the scan visits the tokens of a grid."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["visiting_order"]


def visiting_order(
    order: int, height: int, width: int, device: torch.device | None = None
) -> Tensor:
    """Row-order indices of the tokens in the order they are visited.

    Args:
        order: 0 along rows, 1 along columns, 2 along rows backwards, 3 along columns backwards.
        height: Rows of the grid.
        width: Columns of the grid.
        device: Where the indices are wanted.

    Returns:
        ``(height * width,)`` int64.
    """
    steps = torch.arange(height * width, device=device)
    if order % 2:
        steps = (steps % height) * width + steps // height
    return steps.flip(0) if order >= 2 else steps
