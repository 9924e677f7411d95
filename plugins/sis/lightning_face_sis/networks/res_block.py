"""Residual block of the generator."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["SISResBlock"]


class SISResBlock(nn.Module):
    """Twice group norm, SiLU and convolution 3x3, beside a skip connection.

    The last convolution starts at zero, so that a new block is its skip connection.

    Args:
        in_channels: Channels of the input, a multiple of 32.
        out_channels: Channels of the output, a multiple of 32.
        upsample: Whether to double the sides (nearest) first.

    Source:
        Fontanini et al., "Semantic Image Synthesis via Class-Adaptive Cross-Attention"
        (arXiv 2308.16071), section III; the block of latent diffusion models.
    """

    def __init__(self, in_channels: int, out_channels: int, upsample: bool = False) -> None:
        super().__init__()
        self.upsample = upsample
        self.norm1 = nn.GroupNorm(32, in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm2 = nn.GroupNorm(32, out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)
        if self.conv2.bias is not None:
            nn.init.zeros_(self.conv2.bias)
        same = in_channels == out_channels
        self.skip = nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Map features ``(batch, in_channels, height, width)``."""
        hidden = F.silu(self.norm1(features))
        # a convolution 1x1 and the repetition of pixels change places
        skip = self.skip(features)
        if self.upsample:
            hidden = F.interpolate(hidden, scale_factor=2, mode="nearest")
            skip = F.interpolate(skip, scale_factor=2, mode="nearest")
        hidden = self.conv1(hidden)
        return skip + self.conv2(F.silu(self.norm2(hidden)))
