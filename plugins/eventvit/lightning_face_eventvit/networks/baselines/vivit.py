"""Video vision transformer that attends first over space, then over time."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from lightning_face.errors import ConfigError, DataError
from lightning_face_eventvit.networks.baselines.clip import check_clip, prepare_frames
from lightning_face_eventvit.networks.baselines.patch_embedding import PatchEmbedding
from lightning_face_eventvit.networks.transformer import TemporalTransformer

__all__ = ["ViViT"]

DIM_HEAD = 64


class ViViT(nn.Module):
    """Classify clips by a factorised encoder.

    Patches may span several frames. Positions are learnt for place and time together and added
    before the class token of each slot of time, which itself has none.

    Source: Arnab et al., "ViViT: A Video Vision Transformer", ICCV 2021, section 3.3, model 2, as
    in the package vit-pytorch 1.6.5.

    Args:
        num_classes: Number of classes.
        image_size: Height and width of the largest frame in pixels.
        num_frames: Length of the longest clip.
        patch_size: Height and width of a patch in pixels.
        frame_patch_size: Frames of a patch.
        dim: Features of a token.
        spatial_depth: Blocks of the spatial stage.
        temporal_depth: Blocks of the temporal stage.
        heads: Heads of 64 features in each attention.
        mlp_dim: Hidden units of the feed-forward networks.
        channels: Channels of a frame, 1 for events and 3 for RGB.

    Raises:
        ConfigError: Frames or clips do not consist of whole patches.
    """

    inputs: ClassVar[tuple[str, ...]] = ("clip",)

    def __init__(
        self,
        num_classes: int = 24,
        image_size: int = 224,
        num_frames: int = 50,
        patch_size: int = 16,
        frame_patch_size: int = 1,
        dim: int = 512,
        spatial_depth: int = 2,
        temporal_depth: int = 2,
        heads: int = 4,
        mlp_dim: int = 128,
        channels: int = 3,
    ) -> None:
        super().__init__()
        if not _is_multiple(image_size, patch_size):
            raise ConfigError(f"image_size {image_size} is no multiple of patch_size {patch_size}")
        if not _is_multiple(num_frames, frame_patch_size):
            raise ConfigError(
                f"num_frames {num_frames} is no multiple of frame_patch_size {frame_patch_size}"
            )
        self.image_size = image_size
        self.num_frames = num_frames
        self.channels = channels
        self.patch_size = patch_size
        self.frame_patch_size = frame_patch_size
        slots, patches = num_frames // frame_patch_size, (image_size // patch_size) ** 2
        self.vivit = _FactorisedEncoder(
            PatchEmbedding(dim, patch_size, channels, frame_patch_size),
            TemporalTransformer(dim, spatial_depth, heads, DIM_HEAD, mlp_dim, 0.0),
            TemporalTransformer(dim, temporal_depth, heads, DIM_HEAD, mlp_dim, 0.0),
            nn.Parameter(torch.randn(1, slots, patches, dim)),
            nn.Linear(dim, num_classes),
        )

    def forward(self, clip: Tensor) -> Tensor:
        """Classify clips.

        A shorter clip or a smaller frame takes the first of the positions.

        Args:
            clip: Frames ``(batch, frames, channels, height, width)``, uint8 or in [0, 1]; sizes
                are multiples of the patch's and at most those that the network was built for.

        Returns:
            Logits ``(batch, classes)``.

        Raises:
            DataError: The sizes of the clip do not fit.
        """
        check_clip(clip, self.channels, type(self).__name__)
        frames, _, height, width = clip.shape[1:]
        side, depth = self.patch_size, self.frame_patch_size
        if not (_is_multiple(height, side) and _is_multiple(width, side)):
            raise DataError(
                f"ViViT cuts patches of {side} pixels, which frames of {height}x{width} are no "
                "multiple of: change the image size of the data"
            )
        if not _is_multiple(frames, depth):
            raise DataError(
                f"ViViT cuts patches of {depth} frames, which a clip of {frames} is no multiple "
                "of: change num_frames of the data"
            )
        slots, patches = self.vivit.pos_embedding.shape[1:3]
        if frames // depth > slots or (height // side) * (width // side) > patches:
            raise DataError(
                f"a clip of {frames} frames of {height}x{width} has more patches than the {slots} "
                f"times {patches} that ViViT was built for: change num_frames and image_size of "
                "the data or of the network"
            )
        logits: Tensor = self.vivit(prepare_frames(clip, self.vivit.mlp_head.weight.dtype))
        return logits


class _FactorisedEncoder(nn.Module):
    """The parameters below the prefix that published checkpoints put before them."""

    def __init__(
        self,
        to_patch_embedding: PatchEmbedding,
        spatial_transformer: TemporalTransformer,
        temporal_transformer: TemporalTransformer,
        pos_embedding: nn.Parameter,
        mlp_head: nn.Linear,
    ) -> None:
        super().__init__()
        dim = pos_embedding.shape[-1]
        self.pos_embedding = pos_embedding
        self.spatial_cls_token = nn.Parameter(torch.randn(1, 1, dim))
        self.temporal_cls_token = nn.Parameter(torch.randn(1, 1, dim))
        self.to_patch_embedding = to_patch_embedding
        self.spatial_transformer = spatial_transformer
        self.temporal_transformer = temporal_transformer
        self.mlp_head = mlp_head

    def forward(self, clip: Tensor) -> Tensor:
        tokens = self.to_patch_embedding(clip)
        batch, slots, patches, _ = tokens.shape
        tokens = (tokens + self.pos_embedding[:, :slots, :patches]).flatten(0, 1)
        tokens = torch.cat((self.spatial_cls_token.expand(len(tokens), -1, -1), tokens), 1)
        frames = self.spatial_transformer(tokens)[:, 0].unflatten(0, (batch, slots))
        frames = torch.cat((self.temporal_cls_token.expand(batch, -1, -1), frames), 1)
        logits: Tensor = self.mlp_head(self.temporal_transformer(frames)[:, 0])
        return logits


def _is_multiple(size: int, patch: int) -> bool:
    return size >= patch > 0 and size % patch == 0
