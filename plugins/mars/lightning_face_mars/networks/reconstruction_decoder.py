"""The decoder that fills in the removed patches of a picture with the help of a text."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, layer_norm, scaled_dot_product_attention

from lightning_face.errors import ConfigError

__all__ = ["ReconstructionDecoder"]


class FloatLayerNorm(nn.LayerNorm):
    """Norm that is computed in float32, whatever it is given."""

    def forward(self, tokens: Tensor) -> Tensor:
        """Map ``(..., width)`` to the same type."""
        weight, bias = self.weight.float(), self.bias.float()
        normed = layer_norm(tokens.float(), self.normalized_shape, weight, bias, self.eps)
        return normed.to(tokens.dtype)


class CrossAttention(nn.Module):
    """Multi-head attention to a context, or to the tokens themselves.

    Args:
        width: Width of a token.
        context_width: Width of a token of the context.
        num_heads: Number of heads.
    """

    def __init__(self, width: int, context_width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context_width, width, bias=False)
        self.to_v = nn.Linear(context_width, width, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def forward(self, tokens: Tensor, context: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map tokens ``(batch, tokens, width)`` to as many.

        Args:
            tokens: ``(batch, tokens, width)``.
            context: ``(batch, words, context_width)``.
            mask: True where the context is seen ``(batch, 1, 1, words)``.
        """
        query, key, value = (
            states.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for states in (self.to_q(tokens), self.to_k(context), self.to_v(context))
        )
        mixed = scaled_dot_product_attention(query, key, value, mask)
        projected: Tensor = self.to_out[0](mixed.transpose(1, 2).flatten(2))
        return projected


class GatedProjection(nn.Module):
    """Linear map to a value and a gate, of which the gate goes through a GELU.

    Args:
        width: Width of a token.
        inner_width: Width of the product.
    """

    def __init__(self, width: int, inner_width: int) -> None:
        super().__init__()
        self.l = nn.Linear(width, 2 * inner_width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map ``(..., width)`` to ``(..., inner_width)``."""
        value, gate = self.l(tokens).chunk(2, dim=-1)
        return value * gelu(gate)


class GatedFeedForward(nn.Module):
    """Gated projection and a linear map back.

    Args:
        width: Width of a token.
        inner_width: Width between them.
    """

    def __init__(self, width: int, inner_width: int) -> None:
        super().__init__()
        # the second place held a dropout of probability 0
        parts = [GatedProjection(width, inner_width), nn.Identity(), nn.Linear(inner_width, width)]
        self.net = nn.Sequential(*parts)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map ``(..., width)`` to as many."""
        mapped: Tensor = self.net(tokens)
        return mapped


class ReconstructionBlock(nn.Module):
    """Self attention, attention to the text, gated feed forward, each after a norm.

    Args:
        width: Width of a token.
        context_width: Width of a token of the text.
        num_heads: Number of heads.
    """

    def __init__(self, width: int, context_width: int, num_heads: int) -> None:
        super().__init__()
        self.attn1 = CrossAttention(width, width, num_heads)
        self.ff = GatedFeedForward(width, 4 * width)
        self.attn2 = CrossAttention(width, context_width, num_heads)
        self.norm1 = FloatLayerNorm(width)
        self.norm2 = FloatLayerNorm(width)
        self.norm3 = FloatLayerNorm(width)

    def forward(self, tokens: Tensor, context: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map tokens to as many; arguments as of `ReconstructionDecoder`."""
        normed = self.norm1(tokens)
        tokens = tokens + self.attn1(normed, normed)
        tokens = tokens + self.attn2(self.norm2(tokens), context, mask)
        mapped: Tensor = tokens + self.ff(self.norm3(tokens))
        return mapped


class ReconstructionDecoder(nn.Module):
    """Transformer over image tokens that attends to a text, without a norm at the end.

    Args:
        width: Width of a token.
        context_width: Width of a token of the text.
        depth: Number of blocks.
        num_heads: Number of heads.

    Raises:
        ConfigError: The heads do not fill the width.

    Source: MARS (Ergasti et al., 2024), visual reconstruction loss.
    """

    def __init__(self, width: int, context_width: int, depth: int = 4, num_heads: int = 8) -> None:
        super().__init__()
        if width % num_heads:
            raise ConfigError(f"the decoder's width {width} is no multiple of {num_heads} heads")
        self.blocks = nn.ModuleList(
            ReconstructionBlock(width, context_width, num_heads) for _ in range(depth)
        )

    def forward(
        self, tokens: Tensor, context: Tensor, context_mask: Tensor | None = None
    ) -> Tensor:
        """Map image tokens to as many.

        Args:
            tokens: ``(batch, tokens, width)``.
            context: Hidden states of a text ``(batch, words, context_width)``.
            context_mask: 1 for words, 0 for padding ``(batch, words)``; without it padding is
                attended to as well, as in the published code.

        Returns:
            ``(batch, tokens, width)``.
        """
        seen = None if context_mask is None else context_mask[:, None, None].to(torch.bool)
        for block in self.blocks:
            tokens = block(tokens, context, seen)
        return tokens
