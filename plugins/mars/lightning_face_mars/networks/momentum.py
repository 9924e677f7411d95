"""Weights that follow other weights slowly."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

__all__ = ["follow"]


@torch.no_grad()
def follow(followers: Iterable[Tensor], leaders: Iterable[Tensor], momentum: float) -> None:
    """Move weights towards others, in place.

    Args:
        followers: What is moved: ``momentum * follower + (1 - momentum) * leader``.
        leaders: As many tensors of the same shapes.
        momentum: Share that is kept, in [0, 1].

    Source: He et al., Momentum contrast, CVPR 2020, equation 2.
    """
    torch._foreach_lerp_(list(followers), list(leaders), 1 - momentum)
