"""Nearest neighbours among points, with gradients and in bounded memory."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_face.optional import optional_import

__all__ = ["nearest_in_blocks", "nearest_indices", "nearest_squared_distances"]

_BLOCK = 2**24
"""Largest number of distances that are held at a time."""


@torch.no_grad()
def nearest_indices(points: Tensor, others: Tensor) -> Tensor:
    """Find the nearest of other points to each point.

    On a CPU a tree is searched; elsewhere `nearest_in_blocks` is used.

    Args:
        points: Points ``(points, 3)``.
        others: Where to search ``(others, 3)``, not empty.

    Returns:
        Indices into the other points ``(points,)``, int64; arbitrary for points that are nan.
    """
    if points.device.type == "cpu":
        tree = optional_import("scipy.spatial", extra="geometry").cKDTree
        # no tree takes nan; a loss computed from what is found shows it all the same
        queries, searched = (torch.nan_to_num(each).numpy() for each in (points, others))
        return torch.from_numpy(tree(searched).query(queries)[1])
    return nearest_in_blocks(points, others)


@torch.no_grad()
def nearest_in_blocks(points: Tensor, others: Tensor) -> Tensor:
    """Find the nearest of other points by distances to all of them, some points at a time.

    Arguments and result are those of `nearest_indices`.
    """
    rows = max(1, _BLOCK // len(others))
    mode = "donot_use_mm_for_euclid_dist"
    blocks = [
        torch.cdist(block, others, compute_mode=mode).argmin(dim=1) for block in points.split(rows)
    ]
    return torch.cat(blocks)


def nearest_squared_distances(points: Tensor, others: Tensor) -> Tensor:
    """Squared distance of each point to the nearest of other points, differentiable in both.

    Args:
        points: Points ``(points, 3)``.
        others: Where to search ``(others, 3)``, not empty.

    Returns:
        Squared distances ``(points,)``.
    """
    found = others[nearest_indices(points, others)]
    return (points - found).square().sum(dim=-1)
