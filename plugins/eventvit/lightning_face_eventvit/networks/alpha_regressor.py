"""Expression coefficients of a 3D face model from every frame of a clip."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from lightning_face_eventvit.networks.frame_encoder import FrameEncoder, Pool
from lightning_face_eventvit.networks.temporal_position import (
    TemporalPosition,
    apply_positions,
    make_positions,
)
from lightning_face_eventvit.networks.transformer import TemporalTransformer
from lightning_face_eventvit.networks.visible_frames import mean_over_frames, visible_frames

__all__ = ["AlphaOutput", "AlphaRegressor"]


class AlphaOutput(NamedTuple):
    """What an `AlphaRegressor` computes.

    Attributes:
        alphas: Expression coefficients ``(batch, frames, num_alphas)``.
        logits: Class scores ``(batch, classes)``; None without classes.
    """

    alphas: Tensor
    logits: Tensor | None


class AlphaRegressor(FrameEncoder):
    """The frame tokens of `EventViT` through temporal blocks to coefficients of each frame.

    The spatial stage has the names of `EventViT`, so that one can start from the other.

    Args:
        image_size: Side of the largest frame in pixels, or its height and width.
        patch_size: Side of a patch in pixels.
        num_alphas: Number of coefficients.
        num_classes: Classes that the mean over frames is told apart into; 0 leaves them out.
        dim: Width of a token.
        depth: Number of spatial blocks.
        temporal_depth: Number of temporal blocks.
        heads: Number of heads.
        mlp_dim: Inner width of the feed-forward parts.
        pool: ``"cls"`` reads the class token of a frame out, ``"mean"`` the mean over its tokens.
        channels: Channels of a frame: 1 for events, 3 for RGB.
        dim_head: Width of a head.
        dropout: Probability to drop a value inside a block.
        emb_dropout: Probability to drop a value of a frame's tokens before the first block.
        temporal_pos: What tells frames apart in time, see `EventViT`. Without it a movement that
            begins looks like one that ends.
        max_frames: Frames of the longest clip, needed by ``"learned"`` positions only.

    Raises:
        ConfigError: The patch does not divide the image, or a setting is none of its choices.
    """

    def __init__(
        self,
        image_size: int | tuple[int, int] = 224,
        patch_size: int = 16,
        num_alphas: int = 32,
        num_classes: int = 0,
        dim: int = 64,
        depth: int = 4,
        temporal_depth: int = 1,
        heads: int = 4,
        mlp_dim: int = 32,
        pool: Pool = "cls",
        channels: int = 1,
        dim_head: int = 64,
        dropout: float = 0.1,
        emb_dropout: float = 0.1,
        temporal_pos: TemporalPosition = "none",
        max_frames: int = 50,
    ) -> None:
        super().__init__(
            image_size,
            patch_size,
            dim,
            depth,
            heads,
            mlp_dim,
            pool,
            channels,
            dim_head,
            dropout,
            emb_dropout,
        )
        self.temporal_position = make_positions(
            temporal_pos, dim, dim_head, max_frames, class_token=False
        )
        self.temporal_transformer = TemporalTransformer(
            dim, temporal_depth, heads, dim_head, mlp_dim, dropout
        )
        self.to_alphas = nn.Linear(dim, num_alphas)
        self.to_classes = nn.Linear(dim, num_classes) if num_classes else None

    def forward(self, clip: Tensor, frame_valid: Tensor | None = None) -> Tensor:
        """Compute the coefficients ``(batch, frames, num_alphas)``, see `predict`."""
        return self.predict(clip, frame_valid).alphas

    def predict(self, clip: Tensor, frame_valid: Tensor | None = None) -> AlphaOutput:
        """Compute coefficients and class scores.

        Args:
            clip: Frames ``(batch, frames, channels, height, width)``, floats in 0..1 or bytes.
            frame_valid: False for padding, bool ``(batch, frames)``; what comes out for such
                frames has no meaning.
        """
        tokens = self.frame_tokens(clip, frame_valid)
        visible = visible_frames(frame_valid)
        tokens, rotary = apply_positions(self.temporal_position, tokens)
        tokens = self.temporal_transformer(tokens, visible, rotary)
        logits = None
        if self.to_classes is not None:
            logits = self.to_classes(mean_over_frames(tokens, visible))
        return AlphaOutput(self.to_alphas(tokens), logits)
