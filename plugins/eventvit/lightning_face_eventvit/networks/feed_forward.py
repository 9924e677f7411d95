"""Feed-forward half of a transformer block."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["FeedForward"]


class FeedForward(nn.Module):
    """Layer norm, then two linear maps with a GELU (error function) between them.

    Args:
        dim: Width of a token.
        hidden_dim: Width between the two maps.
        dropout: Probability to drop a value after the GELU and after the second map.
    """

    def __init__(self, dim: int, hidden_dim: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.LayerNorm(dim),
            nn.Linear(dim, hidden_dim),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_dim, dim),
            nn.Dropout(dropout),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens ``(..., dim)`` one by one; the residual is the caller's."""
        return self.net(tokens)
