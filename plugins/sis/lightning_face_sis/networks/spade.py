"""Group norm whose scale and shift at every pixel follow from a label map."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["Modulation", "SPADEGroupNorm"]

HIDDEN_CHANNELS = 128


class Modulation(NamedTuple):
    """What a label map does to normalised features.

    Attributes:
        scale: Factors ``(batch, channels, height, width)``.
        shift: Summands of the same shape.
    """

    scale: Tensor
    shift: Tensor


class SPADEGroupNorm(nn.Module):
    """Group norm without weights of its own, then a scale and a shift from the masks.

    Args:
        channels: Channels of the features, a multiple of 32.
        num_classes: Number of classes.

    Source:
        Park et al., "Semantic Image Synthesis with Spatially-Adaptive Normalization"
        (arXiv 1903.07291), section 3; with group norm as in Wang et al., "Semantic Image Synthesis
        via Diffusion Models" (arXiv 2207.00050).
    """

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(32, channels, affine=False)
        self.mlp_shared = nn.Sequential(
            nn.Conv2d(num_classes, HIDDEN_CHANNELS, 3, padding=1), nn.ReLU()
        )
        self.mlp_gamma = nn.Conv2d(HIDDEN_CHANNELS, channels, 3, padding=1)
        self.mlp_beta = nn.Conv2d(HIDDEN_CHANNELS, channels, 3, padding=1)

    def modulation(self, masks: Tensor) -> Modulation:
        """Compute what depends on the masks alone.

        Args:
            masks: One mask a class ``(batch, num_classes, height, width)``, as large as the
                features.
        """
        hidden = self.mlp_shared(masks)
        return Modulation(1 + self.mlp_gamma(hidden), self.mlp_beta(hidden))

    def forward(self, features: Tensor, modulation: Modulation) -> Tensor:
        """Normalise features.

        Args:
            features: Features ``(batch, channels, height, width)``.
            modulation: What :meth:`modulation` gave for their masks, of the same batch or of 1.
        """
        normed = F.group_norm(features, self.norm.num_groups, eps=self.norm.eps)
        return torch.addcmul(modulation.shift, normed, modulation.scale)
