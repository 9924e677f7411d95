"""Features from the tangent gradients of a signal."""

from __future__ import annotations

from torch import Tensor, nn

from lightning_face_scantalk.networks.add_product import add_product

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
            mixed_x = add_product(self.A_re(along_x), along_y, -self.A_im.weight)
            mixed_y = add_product(self.A_re(along_y), along_x, self.A_im.weight)
        else:
            mixed_x, mixed_y = self.A(along_x), self.A(along_y)
        products: Tensor = (along_x * mixed_x).addcmul_(along_y, mixed_y)
        return products.tanh_()
