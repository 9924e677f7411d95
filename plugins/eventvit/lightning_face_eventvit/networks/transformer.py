"""The two stacks of transformer blocks: within a frame, and over the frames."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from lightning_face_eventvit.networks.feed_forward import FeedForward
from lightning_face_eventvit.networks.locality_self_attention import LocalitySelfAttention
from lightning_face_eventvit.networks.temporal_attention import TemporalAttention
from lightning_face_eventvit.networks.temporal_position import RotaryPositions

__all__ = ["SpatialBlock", "SpatialTransformer", "TemporalBlock", "TemporalTransformer"]


class SpatialBlock(nn.ModuleList):
    """Locality self-attention and feed-forward, each with a residual.

    Args:
        dim: Width of a token.
        heads: Number of heads.
        dim_head: Width of a head.
        mlp_dim: Inner width of the feed-forward part.
        dropout: Probability to drop a value.
    """

    def __init__(self, dim: int, heads: int, dim_head: int, mlp_dim: int, dropout: float) -> None:
        attention = LocalitySelfAttention(dim, heads, dim_head, dropout)
        super().__init__([attention, FeedForward(dim, mlp_dim, dropout)])

    @property
    def attention(self) -> LocalitySelfAttention:
        """The first half."""
        return cast("LocalitySelfAttention", self[0])

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens ``(batch, tokens, dim)`` to as many."""
        tokens = self.attention(tokens) + tokens
        return self[1](tokens) + tokens

    def first_token(self, tokens: Tensor) -> Tensor:
        """Map tokens ``(batch, tokens, dim)`` to the first token ``(batch, dim)`` of `forward`."""
        token = self.attention.first_token(tokens) + tokens[:, 0]
        return self[1](token) + token


class SpatialTransformer(nn.Module):
    """Blocks of locality self-attention and feed-forward, without a norm at the end.

    Args:
        dim: Width of a token.
        depth: Number of blocks.
        heads: Number of heads.
        dim_head: Width of a head.
        mlp_dim: Inner width of the feed-forward part.
        dropout: Probability to drop a value.
    """

    def __init__(
        self,
        dim: int,
        depth: int,
        heads: int = 4,
        dim_head: int = 64,
        mlp_dim: int = 32,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            SpatialBlock(dim, heads, dim_head, mlp_dim, dropout) for _ in range(depth)
        )

    @property
    def blocks(self) -> list[SpatialBlock]:
        """The blocks in their order."""
        return cast("list[SpatialBlock]", list(self.layers))

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens ``(batch, tokens, dim)`` to as many."""
        for block in self.layers:
            tokens = block(tokens)
        return tokens

    def first_token(self, tokens: Tensor) -> Tensor:
        """Map tokens ``(batch, tokens, dim)`` to the first token ``(batch, dim)`` of `forward`.

        The last block works on that token alone.
        """
        for block in self.blocks[:-1]:
            tokens = block(tokens)
        return self.blocks[-1].first_token(tokens)


class TemporalBlock(nn.ModuleList):
    """Attention over frames and feed-forward, each with a residual.

    Args:
        dim: Width of a token.
        heads: Number of heads.
        dim_head: Width of a head.
        mlp_dim: Inner width of the feed-forward part.
        dropout: Probability to drop a value.
    """

    def __init__(self, dim: int, heads: int, dim_head: int, mlp_dim: int, dropout: float) -> None:
        attention = TemporalAttention(dim, heads, dim_head, dropout)
        super().__init__([attention, FeedForward(dim, mlp_dim, dropout)])

    @property
    def attention(self) -> TemporalAttention:
        """The first half."""
        return cast("TemporalAttention", self[0])

    def forward(
        self,
        tokens: Tensor,
        visible: Tensor | None = None,
        positions: RotaryPositions | None = None,
    ) -> Tensor:
        """Map tokens ``(batch, tokens, dim)`` to as many, see `TemporalTransformer`."""
        tokens = self.attention(tokens, visible, positions) + tokens
        return self[1](tokens) + tokens


class TemporalTransformer(nn.Module):
    """Blocks of attention and feed-forward with a layer norm at the end.

    Args:
        dim: Width of a token.
        depth: Number of blocks.
        heads: Number of heads.
        dim_head: Width of a head.
        mlp_dim: Inner width of the feed-forward part.
        dropout: Probability to drop a value.
    """

    def __init__(
        self,
        dim: int,
        depth: int,
        heads: int = 4,
        dim_head: int = 64,
        mlp_dim: int = 32,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.layers = nn.ModuleList(
            TemporalBlock(dim, heads, dim_head, mlp_dim, dropout) for _ in range(depth)
        )

    @property
    def blocks(self) -> list[TemporalBlock]:
        """The blocks in their order."""
        return cast("list[TemporalBlock]", list(self.layers))

    def forward(
        self,
        tokens: Tensor,
        visible: Tensor | None = None,
        positions: RotaryPositions | None = None,
    ) -> Tensor:
        """Map tokens ``(batch, tokens, dim)`` to as many.

        Args:
            tokens: Tokens of one sequence a row.
            visible: Tokens that may be looked at, bool ``(batch, tokens)``; all without it.
            positions: Rotation of queries and keys by their place in time.
        """
        for block in self.layers:
            tokens = block(tokens, visible, positions)
        return self.norm(tokens)
