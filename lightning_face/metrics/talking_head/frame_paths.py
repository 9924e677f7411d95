"""Best monotone paths through the differences of all frames of two sequences."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightning_face.metrics.talking_head.sequences import check_sequence

__all__ = ["best_path_cost", "lip_distances"]

_BLOCK = 2**24
"""Largest number of distances that are held at a time."""


def lip_distances(pred: Tensor, target: Tensor, lips: Tensor) -> Tensor:
    """Mean distance of the lip vertices between each predicted and each true frame.

    Args:
        pred: Predicted vertices ``(frames, vertices, 3)``.
        target: True vertices ``(other frames, vertices, 3)``.
        lips: Indices of the lip vertices ``(lips,)``.

    Returns:
        Distances ``(frames, other frames)`` in the unit of the vertices, float64.
    """
    check_sequence("pred", pred)
    check_sequence("target", target)
    first, second = (each[:, lips].double().transpose(0, 1) for each in (pred, target))
    rows = max(1, _BLOCK // (len(lips) * second.shape[1]))
    # of vertices that hardly move, differences are exact where products would cancel
    mode = "donot_use_mm_for_euclid_dist"
    blocks = [
        torch.cdist(block, second, compute_mode=mode).mean(dim=0)
        for block in first.split(rows, dim=1)
    ]
    return torch.cat(blocks)


def best_path_cost(costs: Tensor, combine: Literal["sum", "max"]) -> Tensor:
    """Smallest cost of a path from the first pair of frames to the last.

    A step goes on by a frame in either sequence or in both. Cells of an anti-diagonal do not
    depend on each other and are computed together.

    Args:
        costs: Cost of each pair of frames ``(frames, other frames)``.
        combine: The cost of a path is the ``sum`` or the ``max`` of those of its pairs.

    Returns:
        The smallest cost, a float64 scalar.
    """
    table: NDArray[np.float64] = costs.detach().double().cpu().numpy()
    rows, columns = table.shape
    join = np.add if combine == "sum" else np.maximum
    # by row, with a border: the values of the last anti-diagonal and of the one before
    last, before = np.full((2, rows + 1), np.inf)
    before[0] = 0.0 if combine == "sum" else -np.inf
    for diagonal in range(rows + columns - 1):
        low, high = max(0, diagonal - columns + 1), min(rows, diagonal + 1)
        row = np.arange(low, high)
        best = np.minimum(np.minimum(last[row], last[row + 1]), before[row])
        values = np.full(rows + 1, np.inf)
        values[row + 1] = join(best, table[row, diagonal - row])
        before, last = last, values
    return costs.new_tensor(last[rows], dtype=torch.float64)
