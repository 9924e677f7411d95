"""The spatio-temporal vision transformer for clips of event or RGB frames."""

from __future__ import annotations

from torch import Tensor

from lightning_face_eventvit.networks.frame_encoder import FrameEncoder, Pool
from lightning_face_eventvit.networks.temporal_position import TemporalPosition
from lightning_face_eventvit.networks.temporal_stage import TemporalStage

__all__ = ["EventViT"]


class EventViT(FrameEncoder, TemporalStage):
    """Spatial transformer in every frame, then temporal transformer over the frames.

    Names of parameters are the published ones.

    Args:
        image_size: Side of the largest frame in pixels, or its height and width.
        patch_size: Side of a patch in pixels.
        num_classes: Classes of the head; 0 leaves the head out, and the features take its place.
        dim: Width of a token.
        depth: Number of spatial blocks.
        temporal_depth: Number of temporal blocks.
        heads: Number of heads.
        mlp_dim: Inner width of the feed-forward parts.
        pool: ``"cls"`` reads class tokens out, ``"mean"`` the mean over tokens, in both stages.
        channels: Channels of a frame: 1 for events, 3 for RGB.
        dim_head: Width of a head.
        dropout: Probability to drop a value inside a block.
        emb_dropout: Probability to drop a value of a frame's tokens before the first block.
        temporal_pos: What tells frames apart in time. The published networks have ``"none"`` and
            are blind to the frames' order; the others start without effect.
        max_frames: Frames of the longest clip, needed by ``"learned"`` positions only.

    Raises:
        ConfigError: The patch does not divide the image, or a setting is none of its choices.

    Source:
        "Spatio-temporal Transformers for Action Unit Classification with Event Cameras"
        (arXiv 2410.21958).
    """

    def __init__(
        self,
        image_size: int | tuple[int, int] = 224,
        patch_size: int = 16,
        num_classes: int = 24,
        dim: int = 64,
        depth: int = 4,
        temporal_depth: int = 4,
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
        self.add_temporal_stage(
            num_classes,
            dim,
            temporal_depth,
            heads,
            mlp_dim,
            pool,
            dim_head,
            dropout,
            temporal_pos,
            max_frames,
        )

    def forward(self, clip: Tensor, frame_valid: Tensor | None = None) -> Tensor:
        """Classify clips.

        Args:
            clip: Frames ``(batch, frames, channels, height, width)``, floats in 0..1 or bytes.
            frame_valid: False for padding, bool ``(batch, frames)``. Without it padding counts as
                frames, as the published networks were trained.

        Returns:
            Class scores ``(batch, num_classes)``.

        Raises:
            DataError: The frames are too large, of other channels, or cut a patch.
        """
        return self.head(self.features(clip, frame_valid))

    def features(self, clip: Tensor, frame_valid: Tensor | None = None) -> Tensor:
        """Sum clips up in vectors ``(batch, dim)``, the input of the head; see `forward`."""
        return self.temporal_features(self.frame_tokens(clip, frame_valid), frame_valid)
