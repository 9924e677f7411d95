"""Self-attention in which no token looks at itself."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["LocalitySelfAttention"]


class LocalitySelfAttention(nn.Module):
    """Multi-head attention with a learnt temperature and a masked diagonal.

    Args:
        dim: Width of a token.
        heads: Number of heads.
        dim_head: Width of a head.
        dropout: Probability to drop an attention weight, and a value of the output.

    Source:
        Lee et al., "Vision Transformer for Small-Size Datasets" (arXiv 2112.13492), section 3.3.
    """

    def __init__(self, dim: int, heads: int = 4, dim_head: int = 64, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        # joined maps have the width of a token, separate ones that of a head
        self.joins_maps = dim <= dim_head
        self.temperature = nn.Parameter(torch.tensor(math.log(dim_head**-0.5)))
        self.norm = nn.LayerNorm(dim)
        self.to_qkv = nn.Linear(dim, 3 * heads * dim_head, bias=False)
        self.to_out = nn.Sequential(nn.Linear(heads * dim_head, dim), nn.Dropout(dropout))

    def forward(self, tokens: Tensor) -> Tensor:
        """Mix the tokens of a sequence; the residual is the caller's.

        Args:
            tokens: Tokens ``(batch, tokens, dim)``. One token alone attends to itself.

        Returns:
            Tokens ``(batch, tokens, dim)``.
        """
        query, key, value = self._queries_keys_values(self.norm(tokens))
        mixed = F.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=_diagonal_mask(tokens.shape[1], query),
            dropout_p=self.dropout if self.training else 0.0,
            scale=1.0,
        )
        mixed = mixed.transpose(1, 2).flatten(2)
        if not self.joins_maps:
            return self.to_out(mixed)
        linear, dropout = cast("nn.Linear", self.to_out[0]), self.to_out[1]
        _, _, to_value = self._maps()
        joint = torch.einsum("ohd,hdi->ohi", linear.weight.unflatten(1, (self.heads, -1)), to_value)
        return dropout(F.linear(mixed, joint.flatten(1), linear.bias))

    def first_token(self, tokens: Tensor) -> Tensor:
        """Compute the output of the first token alone.

        Its query is carried back through the map of the keys, and its weights through that of the
        values, so that no keys and values of the other tokens are made.

        Args:
            tokens: Tokens ``(batch, tokens, dim)``.

        Returns:
            The first token's output ``(batch, dim)``.
        """
        tokens = self.norm(tokens)
        to_query, to_key, to_value = self._maps()
        query = torch.einsum("bi,hdi->bhd", tokens[:, 0], to_query) * self.temperature.exp()
        scores = torch.einsum("bhd,hdi->bhi", query, to_key) @ tokens.transpose(1, 2)
        mask = _diagonal_mask(tokens.shape[1], scores)[0]
        weights = F.dropout(torch.softmax(scores + mask, dim=-1), self.dropout, self.training)
        return self.to_out(torch.einsum("bhi,hdi->bhd", weights @ tokens, to_value).flatten(1))

    def weights(self, tokens: Tensor) -> Tensor:
        """Compute how much every token looks at every other.

        Args:
            tokens: Tokens ``(batch, tokens, dim)``.

        Returns:
            Weights ``(batch, heads, tokens that look, tokens)``; a row adds up to 1.
        """
        query, key, _ = self._queries_keys_values(self.norm(tokens))
        scores = query @ key.transpose(-1, -2)
        return torch.softmax(scores + _diagonal_mask(tokens.shape[1], scores), dim=-1)

    def _maps(self) -> tuple[Tensor, Tensor, Tensor]:
        """Split ``to_qkv`` into three maps ``(heads, dim_head, dim)``."""
        to_query, to_key, to_value = self.to_qkv.weight.unflatten(0, (3, self.heads, -1))
        return to_query, to_key, to_value

    def _queries_keys_values(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Project normed tokens to three of shape ``(batch, heads, tokens, width of a head)``.

        The scores are ``tokens to_query^T to_key tokens^T``. Where a head is as wide as a token,
        both maps are joined in the queries, the map of the values is joined with that of the
        output, and the tokens themselves serve as keys and values of all heads.
        """
        scale = self.temperature.exp()
        if self.joins_maps:
            to_query, to_key, _ = self._maps()
            joint = torch.einsum("hdj,hdi->hji", to_key, to_query * scale)
            query = F.linear(tokens, joint.flatten(0, 1)).unflatten(-1, (self.heads, -1))
            shared = tokens.unsqueeze(1).expand(-1, self.heads, -1, -1)
            return query.transpose(1, 2), shared, shared
        qkv = self.to_qkv(tokens).unflatten(-1, (3, self.heads, -1))
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        return query * scale, key, value


def _diagonal_mask(count: int, like: Tensor) -> Tensor:
    """Minus infinity ``(count, count)`` where a token meets itself, unless it is alone."""
    mask = like.new_zeros(count, count)
    if count > 1:
        # not in place, which ONNX has no word for
        mask = mask.masked_fill(torch.eye(count, dtype=torch.bool, device=like.device), -torch.inf)
    return mask
