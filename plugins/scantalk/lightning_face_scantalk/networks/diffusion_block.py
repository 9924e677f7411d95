"""One block of a DiffusionNet."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_face_scantalk.networks.add_product import add_product
from lightning_face_scantalk.networks.gradient_features import SpatialGradientFeatures
from lightning_face_scantalk.networks.learned_diffusion import (
    DiffusionMethod,
    LearnedTimeDiffusion,
)
from lightning_face_scantalk.networks.mesh_operators import MeshOperators

__all__ = ["DiffusionNetBlock"]


class DiffusionNetBlock(nn.Module):
    """Diffusion, gradient features and a perceptron at each vertex, added to the input.

    Args:
        width: Number of channels.
        hidden: Widths of the hidden layers of the perceptron; None is two of ``width``.
        dropout: Probability to drop a value before each layer of the perceptron but the first.
        gradient_features: Whether the perceptron sees gradient features.
        gradient_rotations: Whether these may turn gradients.
        diffusion: Method of diffusion.

    Source: Sharp et al., DiffusionNet, section 3.5.
    """

    def __init__(
        self,
        width: int,
        hidden: Sequence[int] | None = None,
        dropout: float = 0.0,
        gradient_features: bool = True,
        gradient_rotations: bool = True,
        diffusion: DiffusionMethod = "spectral",
    ) -> None:
        super().__init__()
        self.diffusion = LearnedTimeDiffusion(width, diffusion)
        self.gradient_features = (
            SpatialGradientFeatures(width, gradient_rotations) if gradient_features else None
        )
        seen = 3 if gradient_features else 2
        widths = [seen * width, *(hidden if hidden is not None else (width, width)), width]
        self.mlp = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(widths))
        self.dropout = nn.Dropout(dropout)

    @property
    def layers(self) -> list[nn.Linear]:
        """Linear layers of the perceptron."""
        return cast("list[nn.Linear]", list(self.mlp))

    def forward(self, signal: Tensor, operators: MeshOperators) -> Tensor:
        """Map a signal ``(vertices, ..., width)`` to one of the same shape."""
        return self.mix(signal, self.spread(signal, operators))

    def spread(self, signal: Tensor, operators: MeshOperators) -> tuple[Tensor, ...]:
        """Do the part in which vertices see each other, which is linear in the signal.

        Args:
            signal: Of shape ``(vertices, ..., width)``.
            operators: Of the surface.

        Returns:
            The diffused signal ``(vertices, ..., width)``, and its derivatives
            ``(2, vertices, ..., width)`` where the block has gradient features.
        """
        # sums over thousands of vertices lose too much in half precision
        with torch.autocast(signal.device.type, enabled=False):
            diffused = self.diffusion(signal, operators)
            if self.gradient_features is None:
                return (diffused,)
            return diffused, operators.gradient(diffused)

    def mix(self, signal: Tensor, spread: tuple[Tensor, ...]) -> Tensor:
        """Do the part at each vertex by itself.

        Args:
            signal: Of shape ``(vertices, ..., width)``.
            spread: What `spread` made of it.

        Returns:
            The output of the block ``(vertices, ..., width)``.
        """
        diffused, *gradients = spread
        parts = [diffused]
        if self.gradient_features is not None:
            parts.append(self.gradient_features(*gradients))
        first, *others = self.layers
        # the sum of a product for each part: these are never put side by side
        own, *weights = first.weight.split(signal.shape[-1], dim=1)
        values = F.linear(signal, own, first.bias)
        for part, weight in zip(parts, weights, strict=True):
            add_product(values, part, weight)
        for linear in others:
            values = linear(self.dropout(values.relu_()))
        return signal + values
