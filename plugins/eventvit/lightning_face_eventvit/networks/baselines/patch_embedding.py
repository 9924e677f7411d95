"""Patches of frames as tokens, with a norm before and after the projection."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["PatchEmbedding"]


class PatchEmbedding(nn.Sequential):
    """Cut clips into patches and project these.

    A patch vector orders its elements by row, column, frame in the patch and channel, the channel
    fastest.

    Source: Arnab et al., "ViViT: A Video Vision Transformer", ICCV 2021, section 3.2.

    Args:
        dim: Features of a token.
        patch_size: Height and width of a patch in pixels.
        channels: Channels of a frame.
        frame_patch_size: Frames of a patch.
    """

    def __init__(self, dim: int, patch_size: int, channels: int, frame_patch_size: int = 1) -> None:
        elements = channels * frame_patch_size * patch_size**2
        super().__init__(
            _CutPatches(patch_size, frame_patch_size),
            nn.LayerNorm(elements),
            nn.Linear(elements, dim),
            nn.LayerNorm(dim),
        )

    def forward(self, clip: Tensor) -> Tensor:
        """Make tokens of clips ``(batch, frames, channels, height, width)``.

        Sizes are multiples of the patch's.

        Returns:
            Tokens ``(batch, frames / frame_patch_size, patches of a frame, dim)``.
        """
        tokens: Tensor = super().forward(clip)
        return tokens


class _CutPatches(nn.Module):
    def __init__(self, patch_size: int, frame_patch_size: int) -> None:
        super().__init__()
        self.patch_size = patch_size
        self.frame_patch_size = frame_patch_size

    def forward(self, clip: Tensor) -> Tensor:
        side = self.patch_size
        # (batch, slot, frame in patch, channel, grid row, row, grid column, column)
        blocks = clip.unflatten(1, (-1, self.frame_patch_size))
        blocks = blocks.unflatten(-1, (-1, side)).unflatten(-3, (-1, side))
        return blocks.permute(0, 1, 4, 6, 5, 7, 2, 3).flatten(4).flatten(2, 3)
