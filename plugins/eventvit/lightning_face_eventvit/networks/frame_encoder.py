"""The spatial stage: one token for every frame."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from lightning_face.errors import ConfigError, DataError
from lightning_face_eventvit.networks.shifted_patch_tokenization import ShiftedPatchTokenizer
from lightning_face_eventvit.networks.transformer import SpatialTransformer

__all__ = ["FrameEncoder", "Pool"]

Pool = Literal["cls", "mean"]

# frames that go through the stage together: on a CPU few enough for its cache, on a GPU enough to
# fill it
CHUNK_FRAMES_CPU = 10
CHUNK_FRAMES = 400


class FrameEncoder(nn.Module):
    """Shifted patch tokens with a class token and positions through a spatial transformer.

    Args:
        image_size: Side of the largest frame in pixels, or its height and width.
        patch_size: Side of a patch in pixels.
        dim: Width of a token.
        depth: Number of blocks.
        heads: Number of heads.
        mlp_dim: Inner width of the feed-forward part.
        pool: ``"cls"`` takes the class token of a frame, ``"mean"`` the mean of all its tokens.
        channels: Channels of a frame.
        dim_head: Width of a head.
        dropout: Probability to drop a value inside a block.
        emb_dropout: Probability to drop a value of the tokens before the first block.

    Raises:
        ConfigError: The patch does not divide the image, or there is no such pool.

    Source:
        "Spatio-temporal Transformers for Action Unit Classification with Event Cameras"
        (arXiv 2410.21958).
    """

    def __init__(
        self,
        image_size: int | tuple[int, int] = 224,
        patch_size: int = 16,
        dim: int = 64,
        depth: int = 4,
        heads: int = 4,
        mlp_dim: int = 32,
        pool: Pool = "cls",
        channels: int = 1,
        dim_head: int = 64,
        dropout: float = 0.1,
        emb_dropout: float = 0.1,
    ) -> None:
        super().__init__()
        height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
        if height % patch_size or width % patch_size:
            msg = f"image_size {height}x{width} is no multiple of patch_size {patch_size}"
            raise ConfigError(msg)
        if pool not in ("cls", "mean"):
            msg = f"pool is cls or mean, not {pool!r}"
            raise ConfigError(msg)
        self.pool = pool
        patches = (height // patch_size) * (width // patch_size)
        self.pos_embedding = nn.Parameter(torch.randn(1, patches + 1, dim))
        self.cls_token = nn.Parameter(torch.randn(1, 1, dim))
        self.emb_dropout = nn.Dropout(emb_dropout)
        self.to_patch_embedding = ShiftedPatchTokenizer(dim, patch_size, channels)
        self.spatial_transformer = SpatialTransformer(dim, depth, heads, dim_head, mlp_dim, dropout)

    def forward(self, clip: Tensor, frame_valid: Tensor | None = None) -> Tensor:
        """Give the frame tokens, see `frame_tokens`."""
        return self.frame_tokens(clip, frame_valid)

    def frame_tokens(self, clip: Tensor, frame_valid: Tensor | None = None) -> Tensor:
        """Turn every frame into a token.

        Work is done once where it can be: in evaluation all frames of zeros, with which short
        clips are filled up, share one token, and frames that are not valid are left out.

        Args:
            clip: Frames ``(batch, frames, channels, height, width)``, floats in 0..1 or bytes,
                both sides multiples of the patch and with no more patches than the largest frame.
            frame_valid: False for padding, bool ``(batch, frames)``; the tokens of such frames
                are zero.

        Returns:
            Tokens ``(batch, frames, dim)``.

        Raises:
            DataError: The frames are too large, of other channels, or cut a patch.
        """
        frames = clip.flatten(0, 1)
        traced = torch.jit.is_tracing()  # type: ignore[attr-defined]
        if traced or torch.compiler.is_compiling():
            # what a traced network does must not depend on what the frames show
            tokens = self._encode(frames)
        else:
            chunk = CHUNK_FRAMES_CPU if clip.device.type == "cpu" else CHUNK_FRAMES
            kept, place = self._distinct(frames, frame_valid)
            if len(kept) == len(frames):
                tokens = torch.cat([self._encode(part) for part in frames.split(chunk)])
            else:
                parts = [self._encode(frames[part]) for part in kept.split(chunk)]
                tokens = torch.cat(parts)[place]
        tokens = tokens.unflatten(0, clip.shape[:2])
        return tokens if frame_valid is None else tokens * frame_valid[..., None]

    def embed(self, frames: Tensor) -> Tensor:
        """Make the tokens that enter the first block.

        Args:
            frames: Frames ``(frames, channels, height, width)``, floats in 0..1 or bytes.

        Returns:
            The class token and the patches of every frame, with their positions:
            ``(frames, 1 + patches, dim)``.

        Raises:
            DataError: The frames are too large, of other channels, or cut a patch.
        """
        patch, rows = self.to_patch_embedding.patch_size, self.pos_embedding.shape[1] - 1
        height, width = frames.shape[2:]
        if (height // patch) * (width // patch) > rows:
            msg = (
                f"frames of {height}x{width} pixels are larger than the network's image_size: it "
                f"has positions for {rows} patches of {patch} pixels; resize them"
            )
            raise DataError(msg)
        if frames.dtype == torch.uint8:
            frames = frames.to(self.pos_embedding.dtype) / 255
        patches = self.to_patch_embedding(frames.unsqueeze(0))
        tokens = torch.cat([self.cls_token.expand(patches.shape[0], -1, -1), patches], dim=1)
        return self.emb_dropout(tokens + self.pos_embedding[:, : tokens.shape[1]])

    def _encode(self, frames: Tensor) -> Tensor:
        """Map frames ``(frames, channels, height, width)`` to tokens ``(frames, dim)``."""
        tokens = self.embed(frames)
        if self.pool == "cls":
            return self.spatial_transformer.first_token(tokens)
        return self.spatial_transformer(tokens).mean(dim=1)

    def _distinct(self, frames: Tensor, frame_valid: Tensor | None) -> tuple[Tensor, Tensor]:
        """Find the frames to compute, and which of their tokens each frame takes.

        Args:
            frames: Frames ``(frames, channels, height, width)``.
            frame_valid: False for padding, bool ``(batch, frames per clip)``.

        Returns:
            Indices ``(kept,)`` into the frames, and ``(frames,)`` into the kept.
        """
        keep = frames.new_ones(len(frames), dtype=torch.bool)
        if frame_valid is not None:
            keep = frame_valid.flatten().clone()
            # one token is always made, so that no rank of a distributed run goes without gradients
            keep[0] |= ~keep.any()
        copies = None
        # dropout treats every frame differently, and so would a gradient
        if not self.training and not frames.requires_grad:
            blank = (keep & ~frames.flatten(1).any(1)).nonzero().flatten()
            first, copies = blank[:1], blank[1:]
            keep[copies] = False
        place = (keep.cumsum(0) - 1).clamp(min=0)
        if copies is not None:
            place[copies] = place[first]
        return keep.nonzero().flatten(), place
