"""Gated feed-forward half of a transformer block."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["GEGLU"]


class GEGLU(nn.Module):
    """Two linear maps; one half of the first one's output gates the other through a GELU.

    Args:
        dim: Width of a token; that between the maps is four times as large.

    Source:
        Shazeer, "GLU Variants Improve Transformer" (arXiv 2002.05202), with the error function.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.expand = nn.Linear(dim, 8 * dim)
        self.contract = nn.Linear(4 * dim, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens ``(..., dim)`` one by one; the residual is the caller's."""
        value, gate = self.expand(tokens).chunk(2, dim=-1)
        return self.contract(value * F.gelu(gate))
