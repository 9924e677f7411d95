"""Attention of pixels to each other or to the style codes of the classes."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["ClassCrossAttention", "attention_loss"]


class ClassCrossAttention(nn.Module):
    """Multi-head attention whose queries are pixels.

    Args:
        query_dim: Width of the tokens that look.
        context_dim: Width of the tokens looked at; None if these are the same tokens.
        heads: Number of heads.
        head_dim: Width of a head.

    Source:
        Fontanini et al., "Semantic Image Synthesis via Class-Adaptive Cross-Attention"
        (arXiv 2308.16071), section III.
    """

    def __init__(
        self, query_dim: int, context_dim: int | None = None, heads: int = 8, head_dim: int = 64
    ) -> None:
        super().__init__()
        context_dim = query_dim if context_dim is None else context_dim
        self.heads = heads
        self.head_dim = head_dim
        self.to_q = nn.Linear(query_dim, heads * head_dim, bias=False)
        self.to_k = nn.Linear(context_dim, heads * head_dim, bias=False)
        self.to_v = nn.Linear(context_dim, heads * head_dim, bias=False)
        self.to_out = nn.Linear(heads * head_dim, query_dim)

    def forward(self, tokens: Tensor, context: Tensor | None = None) -> Tensor:
        """Mix the tokens looked at.

        Args:
            tokens: Tokens that look ``(batch, tokens, query_dim)``.
            context: Tokens looked at ``(batch, classes, context_dim)``; the same if None.

        Returns:
            Tokens ``(batch, tokens, query_dim)``.
        """
        context = tokens if context is None else context
        return self.to_out(self.mix(self.to_q(tokens), self.to_k(context), self.to_v(context)))

    def forward_with_logits(self, tokens: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Mix the tokens looked at, and give the logits.

        Args:
            tokens: Tokens that look ``(batch, tokens, query_dim)``.
            context: Tokens looked at ``(batch, classes, context_dim)``.

        Returns:
            Tokens ``(batch, tokens, query_dim)`` and the mean over the heads of the scaled logits
            ``(batch, tokens, classes)``.
        """
        query, key = self.to_q(tokens), self.to_k(context)
        # the sum over the heads of their products is one product of the joined heads
        logits = (query * (self.head_dim**-0.5 / self.heads)) @ key.transpose(1, 2)
        return self.to_out(self.mix(query, key, self.to_v(context))), logits

    def weights(self, tokens: Tensor, context: Tensor) -> Tensor:
        """Compute how much every pixel looks at every class, on average over the heads.

        Args:
            tokens: Tokens that look ``(batch, tokens, query_dim)``.
            context: Tokens looked at ``(batch, classes, context_dim)``.

        Returns:
            Weights ``(batch, tokens, classes)``; a row adds up to 1.
        """
        query, key = self._split(self.to_q(tokens)), self._split(self.to_k(context))
        logits = (query @ key.transpose(2, 3)) * self.head_dim**-0.5
        return logits.softmax(dim=-1).mean(dim=1)

    def mix(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attend, without the maps before and behind.

        Args:
            query: Queries ``(batch, tokens, heads * head_dim)``.
            key: Keys ``(batch, classes, heads * head_dim)``.
            value: Values ``(batch, classes, heads * head_dim)``.

        Returns:
            Mixed values ``(batch, tokens, heads * head_dim)``.
        """
        mixed = F.scaled_dot_product_attention(
            self._split(query), self._split(key), self._split(value)
        )
        return mixed.transpose(1, 2).flatten(2)

    def _split(self, tokens: Tensor) -> Tensor:
        """Cut ``(batch, tokens, heads * head_dim)`` into ``(batch, heads, tokens, head_dim)``."""
        return tokens.unflatten(-1, (self.heads, self.head_dim)).transpose(1, 2)


def attention_loss(logits: Tensor, masks: Tensor, grid: tuple[int, int]) -> Tensor:
    """Compare what pixels look at with the classes that they belong to.

    Args:
        logits: Mean over the heads of the logits ``(batch, height * width, tokens)``, row by row.
            Tokens beyond the classes are left out.
        masks: One mask a class ``(batch, classes, ., .)``, 0 or 1, brought to the grid.
        grid: Height and width of the picture.

    Returns:
        Binary cross-entropy, averaged over batch, pixels and classes, a scalar.
    """
    small = F.interpolate(masks, size=grid, mode="nearest").flatten(2)
    return F.binary_cross_entropy_with_logits(
        logits[..., : masks.shape[1]].transpose(1, 2), small.to(logits.dtype)
    )
