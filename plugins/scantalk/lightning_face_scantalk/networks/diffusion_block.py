"""One block of a DiffusionNet."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

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

    def forward(self, signal: Tensor, operators: MeshOperators) -> Tensor:
        """Map a signal ``(vertices, ..., width)`` to one of the same shape."""
        diffused, gradients = self.spread(signal, operators)
        return self.mix(signal, diffused, gradients)

    def spread(self, signal: Tensor, operators: MeshOperators) -> tuple[Tensor, Tensor | None]:
        """Do the part in which vertices see each other, which is linear in the signal.

        Args:
            signal: Of shape ``(vertices, ..., width)``.
            operators: Of the surface.

        Returns:
            The diffused signal, and its derivatives ``(2, vertices, ..., width)`` if they are
            needed.
        """
        # sums over thousands of vertices lose too much in half precision
        with torch.autocast(signal.device.type, enabled=False):
            diffused = self.diffusion(signal, operators)
            if self.gradient_features is None:
                return diffused, None
            return diffused, operators.gradient(diffused)

    def mix(self, signal: Tensor, diffused: Tensor, gradients: Tensor | None) -> Tensor:
        """Do the part at each vertex by itself.

        Args:
            signal: Of shape ``(vertices, ..., width)``.
            diffused: What `spread` made of it.
            gradients: Its derivatives, ``(2, vertices, ..., width)``.

        Returns:
            The output of the block ``(vertices, ..., width)``.
        """
        parts = [diffused]
        if self.gradient_features is not None:
            parts.append(self.gradient_features(gradients))
        values = self._first_layer(signal, parts)
        for linear in list(self.mlp)[1:]:
            values = linear(self.dropout(values.relu_()))
        return signal + values

    def _first_layer(self, signal: Tensor, parts: Sequence[Tensor]) -> Tensor:
        """Apply the first linear layer to all parts side by side, without putting them so."""
        first, *others = self.mlp[0].weight.split(signal.shape[-1], dim=1)
        values = F.linear(signal, first, self.mlp[0].bias)
        rows = values.flatten(0, -2)
        for part, weight in zip(parts, others, strict=True):
            # autocast leaves operations in place alone
            rows.addmm_(part.flatten(0, -2).to(rows.dtype), weight.t().to(rows.dtype))
        return values
