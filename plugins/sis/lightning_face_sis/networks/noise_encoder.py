"""Style codes from noise."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

__all__ = ["NoiseStyleEncoder"]

HIDDEN = 512


class NoiseStyleEncoder(nn.Module):
    """A perceptron shared by all classes, then one for every class.

    Args:
        num_classes: Number of classes.
        context_dim: Width of a style code.
        noise_dim: Width of the noise.

    Source:
        Fontanini et al., "Semantic Image Synthesis via Class-Adaptive Cross-Attention"
        (arXiv 2308.16071); the mapping network of StarGAN v2 (arXiv 1912.01865), section 2.
    """

    def __init__(self, num_classes: int, context_dim: int, noise_dim: int = 16) -> None:
        super().__init__()
        self.noise_dim = noise_dim
        self.shared = nn.Sequential(*_perceptron(noise_dim, *[HIDDEN] * 4), nn.ReLU())
        self.per_class = nn.ModuleList(
            nn.Sequential(*_perceptron(*[HIDDEN] * 4, context_dim)) for _ in range(num_classes)
        )

    def forward(self, noise: Tensor) -> Tensor:
        """Map noise ``(batch, noise_dim)`` to style codes ``(batch, classes, context_dim)``."""
        hidden = self.shared(noise)
        return torch.stack([head(hidden) for head in self.per_class], dim=1)


def _perceptron(*widths: int) -> list[nn.Module]:
    """Linear maps between the widths, with a ReLU after each but the last."""
    layers: list[nn.Module] = []
    for narrow, wide in pairwise(widths):
        layers += [nn.Linear(narrow, wide), nn.ReLU()]
    return layers[:-1]
