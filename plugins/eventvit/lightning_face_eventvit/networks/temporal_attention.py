"""Self-attention over the frames of a clip."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_face_eventvit.networks.temporal_position import RotaryPositions

__all__ = ["TemporalAttention"]


class TemporalAttention(nn.Module):
    """Multi-head attention with scale ``dim_head ** -0.5``.

    One head as wide as a token needs no output map, and the published network has none then.

    Args:
        dim: Width of a token.
        heads: Number of heads.
        dim_head: Width of a head.
        dropout: Probability to drop an attention weight, and a value of the output.
    """

    def __init__(self, dim: int, heads: int = 4, dim_head: int = 64, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.norm = nn.LayerNorm(dim)
        self.to_qkv = nn.Linear(dim, 3 * heads * dim_head, bias=False)
        self.to_out: nn.Module = nn.Identity()
        if heads != 1 or dim_head != dim:
            self.to_out = nn.Sequential(nn.Linear(heads * dim_head, dim), nn.Dropout(dropout))

    def forward(
        self,
        tokens: Tensor,
        visible: Tensor | None = None,
        positions: RotaryPositions | None = None,
    ) -> Tensor:
        """Mix the tokens of a sequence; the residual is the caller's.

        Args:
            tokens: Tokens ``(batch, tokens, dim)``.
            visible: Tokens that may be looked at, bool ``(batch, tokens)``; all without it.
            positions: Rotation of queries and keys by their place in time.

        Returns:
            Tokens ``(batch, tokens, dim)``.
        """
        query, key, value = self._queries_keys_values(tokens, positions)
        mixed = F.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=None if visible is None else visible[:, None, None],
            dropout_p=self.dropout if self.training else 0.0,
        )
        return self.to_out(mixed.transpose(1, 2).flatten(2))

    def weights(
        self,
        tokens: Tensor,
        visible: Tensor | None = None,
        positions: RotaryPositions | None = None,
    ) -> Tensor:
        """Compute how much every token looks at every other, see `forward`.

        Returns:
            Weights ``(batch, heads, tokens that look, tokens)``; a row adds up to 1.
        """
        query, key, _ = self._queries_keys_values(tokens, positions)
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
        if visible is not None:
            scores = scores.masked_fill(~visible[:, None, None], -torch.inf)
        return torch.softmax(scores, dim=-1)

    def _queries_keys_values(
        self, tokens: Tensor, positions: RotaryPositions | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        qkv = self.to_qkv(self.norm(tokens)).unflatten(-1, (3, self.heads, -1))
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        if positions is not None:
            query, key = positions.rotate(query), positions.rotate(key)
        return query, key, value
