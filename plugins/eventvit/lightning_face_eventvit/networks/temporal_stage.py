"""The temporal stage: a clip's features and class scores from its frame tokens."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lightning_face_eventvit.networks.frame_encoder import Pool
from lightning_face_eventvit.networks.temporal_position import (
    RotaryPositions,
    TemporalPosition,
    apply_positions,
    make_positions,
)
from lightning_face_eventvit.networks.transformer import TemporalTransformer
from lightning_face_eventvit.networks.visible_frames import mean_over_frames, visible_frames

__all__ = ["TemporalStage"]


class TemporalStage(nn.Module):
    """A temporal transformer over frame tokens, and a linear head.

    A base class beside the one that makes the frame tokens: the parts have no prefix of their own
    in the published checkpoints. `add_temporal_stage` makes them.
    """

    temporal_cls_token: nn.Parameter | None
    temporal_position: nn.Module | None
    temporal_transformer: TemporalTransformer
    mlp_head: nn.Module

    def add_temporal_stage(
        self,
        num_classes: int,
        dim: int,
        depth: int,
        heads: int,
        mlp_dim: int,
        pool: Pool,
        dim_head: int,
        dropout: float,
        temporal_pos: TemporalPosition,
        max_frames: int,
    ) -> None:
        """Make the parts of the stage.

        Args:
            num_classes: Classes of the head; 0 leaves the head out, and the features take its
                place.
            dim: Width of a frame token.
            depth: Number of blocks.
            heads: Number of heads.
            mlp_dim: Inner width of the feed-forward part.
            pool: ``"cls"`` takes the class token of the clip, ``"mean"`` the mean over frames.
            dim_head: Width of a head.
            dropout: Probability to drop a value inside a block.
            temporal_pos: What tells frames apart in time, one of ``"none"``, ``"learned"``,
                ``"sincos"`` and ``"rope"``.
            max_frames: Frames of the longest clip, needed by ``"learned"`` positions only.

        Raises:
            ConfigError: There is no such kind of positions.
        """
        has_class_token = pool == "cls"
        self.temporal_cls_token = None
        if has_class_token:
            self.temporal_cls_token = nn.Parameter(torch.randn(1, 1, dim))
        self.temporal_position = make_positions(
            temporal_pos, dim, dim_head, max_frames, has_class_token
        )
        self.temporal_transformer = TemporalTransformer(
            dim, depth, heads, dim_head, mlp_dim, dropout
        )
        self.mlp_head = nn.Identity()
        if num_classes:
            self.mlp_head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, num_classes))

    def temporal_features(self, tokens: Tensor, frame_valid: Tensor | None = None) -> Tensor:
        """Sum a clip up in one vector.

        Args:
            tokens: Frame tokens ``(batch, frames, dim)``.
            frame_valid: False for padding, which is not looked at, bool ``(batch, frames)``.

        Returns:
            Features ``(batch, dim)``.
        """
        tokens, visible, positions = self.temporal_input(tokens, frame_valid)
        tokens = self.temporal_transformer(tokens, visible, positions)
        if self.temporal_cls_token is not None:
            return tokens[:, 0]
        return mean_over_frames(tokens, visible)

    def temporal_input(
        self, tokens: Tensor, frame_valid: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None, RotaryPositions | None]:
        """Prepare frame tokens for the temporal transformer.

        Args:
            tokens: Frame tokens ``(batch, frames, dim)``.
            frame_valid: False for padding, bool ``(batch, frames)``.

        Returns:
            The tokens behind the class token, if there is one, which of them may be looked at,
            and the rotation of queries and keys.
        """
        tokens, rotary = apply_positions(self.temporal_position, tokens)
        visible = visible_frames(frame_valid)
        if self.temporal_cls_token is not None:
            # len() would fix the batch of an exported network
            batch = tokens.shape[0]
            tokens = torch.cat([self.temporal_cls_token.expand(batch, -1, -1), tokens], dim=1)
            if visible is not None:
                visible = torch.cat([visible.new_ones(batch, 1), visible], dim=1)
        return tokens, visible, rotary

    def head(self, features: Tensor) -> Tensor:
        """Map features ``(batch, dim)`` to class scores ``(batch, classes)``."""
        return self.mlp_head(features)
