"""Features from the tangent gradients of a signal."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["SpatialGradientFeatures"]


class SpatialGradientFeatures(nn.Module):
    """Inner products of gradients with mixed and turned ones.

    They do not depend on how the tangent frames lie.

    Args:
        channels: Number of channels.
        rotations: Whether the mixing may turn gradients as well as scale them.

    Source: Sharp et al., DiffusionNet, section 3.4.
    """

    def __init__(self, channels: int, rotations: bool = True) -> None:
        super().__init__()
        self.rotations = rotations
        if rotations:
            self.A_re = nn.Linear(channels, channels, bias=False)
            self.A_im = nn.Linear(channels, channels, bias=False)
        else:
            self.A = nn.Linear(channels, channels, bias=False)

    def forward(self, gradients: Tensor) -> Tensor:
        """Map gradients ``(2, ..., channels)`` to features ``(..., channels)`` in (-1, 1)."""
        along_x, along_y = gradients
        if self.rotations:
            mixed_x = self.A_re(along_x) - self.A_im(along_y)
            mixed_y = self.A_re(along_y) + self.A_im(along_x)
        else:
            mixed_x, mixed_y = self.A(gradients)
        products = torch.addcmul(along_x * mixed_x, along_y, mixed_y)
        return products.tanh_()
