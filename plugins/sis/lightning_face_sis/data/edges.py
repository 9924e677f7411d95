"""Where the objects of an instance map touch."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["boundary_map"]


def boundary_map(instances: Tensor) -> Tensor:
    """Mark the pixels that differ from one of their four neighbours, on both sides of a border.

    The generators take no instances; the map is for looking at label maps and for discriminators
    of the SPADE family that take it.

    Args:
        instances: Numbers of objects or classes ``(batch, 1, height, width)``.

    Returns:
        1 at borders and 0 elsewhere, ``torch.uint8``, same shape.

    Source:
        Park et al., "Semantic Image Synthesis with Spatially-Adaptive Normalization", published
        code.
    """
    edges = torch.zeros_like(instances, dtype=torch.bool)
    across = instances[..., :, 1:] != instances[..., :, :-1]
    down = instances[..., 1:, :] != instances[..., :-1, :]
    edges[..., :, 1:] |= across
    edges[..., :, :-1] |= across
    edges[..., 1:, :] |= down
    edges[..., :-1, :] |= down
    return edges.to(torch.uint8)
