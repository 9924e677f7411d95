"""Transformer block over the pixels of a picture, with style codes as context."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from lightning_face_sis.networks.cross_attention import ClassCrossAttention, attention_loss
from lightning_face_sis.networks.feed_forward import GEGLU
from lightning_face_sis.networks.low_rank import can_fold, fold_and_apply

__all__ = ["SpatialTransformer", "TransformerOutput"]


class TransformerOutput(NamedTuple):
    """What a `SpatialTransformer` returns.

    Attributes:
        features: Features ``(batch, channels, height, width)``.
        attention_loss: Scalar, where masks were given.
    """

    features: Tensor
    attention_loss: Tensor | None


class SpatialTransformer(nn.Module):
    """Self-attention, attention to the style codes and feed-forward, each beside a residual.

    The last map starts at zero, so that a new block changes nothing.

    Args:
        channels: Channels of the picture, a multiple of 32.
        context_dim: Width of a style code.
        heads: Number of heads.
        head_dim: Width of a head; a token is as wide as all heads together.
        self_attention: Whether pixels also look at each other.

    Source:
        Fontanini et al., "Semantic Image Synthesis via Class-Adaptive Cross-Attention"
        (arXiv 2308.16071), section III; the block of latent diffusion models.
    """

    def __init__(
        self,
        channels: int,
        context_dim: int,
        heads: int = 8,
        head_dim: int = 64,
        self_attention: bool = True,
    ) -> None:
        super().__init__()
        dim = heads * head_dim
        self.norm = nn.GroupNorm(32, channels, eps=1e-6)
        self.proj_in = nn.Conv2d(channels, dim, 1)
        self.self_norm = nn.LayerNorm(dim) if self_attention else None
        self.self_attention = (
            ClassCrossAttention(dim, None, heads, head_dim) if self_attention else None
        )
        self.cross_norm = nn.LayerNorm(dim)
        self.cross_attention = ClassCrossAttention(dim, context_dim, heads, head_dim)
        self.feed_forward_norm = nn.LayerNorm(dim)
        self.feed_forward = GEGLU(dim)
        self.proj_out = nn.Conv2d(dim, channels, 1)
        nn.init.zeros_(self.proj_out.weight)
        if self.proj_out.bias is not None:
            nn.init.zeros_(self.proj_out.bias)

    def forward(
        self, features: Tensor, context: Tensor, masks: Tensor | None = None
    ) -> TransformerOutput:
        """Give the pixels the styles of their classes.

        Args:
            features: Features ``(batch, channels, height, width)``.
            context: Style codes ``(batch, tokens, context_dim)``, those of the classes first.
            masks: One mask a class ``(batch, classes, ., .)``, to compute the attention loss.
        """
        if masks is None and can_fold(features):
            return TransformerOutput(fold_and_apply(self, features, context), None)
        grid = (features.shape[2], features.shape[3])
        tokens = self.proj_in(self.norm(features)).flatten(2).transpose(1, 2)
        if self.self_attention is not None and self.self_norm is not None:
            tokens = self.self_attention(self.self_norm(tokens)) + tokens
        loss = None
        if masks is None:
            mixed = self.cross_attention(self.cross_norm(tokens), context)
        else:
            mixed, logits = self.cross_attention.forward_with_logits(
                self.cross_norm(tokens), context
            )
            loss = attention_loss(logits, masks, grid)
        tokens = mixed + tokens
        tokens = self.feed_forward(self.feed_forward_norm(tokens)) + tokens
        picture = tokens.transpose(1, 2).unflatten(2, grid)
        return TransformerOutput(features + self.proj_out(picture), loss)
