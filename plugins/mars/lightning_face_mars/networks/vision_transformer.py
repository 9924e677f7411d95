"""The image encoder: a vision transformer with a masked path."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from lightning_face.errors import ConfigError

__all__ = ["MaskedTokens", "VisionTransformer"]

_NORM_EPS = 1e-6
_INIT_STD = 0.02


class MaskedTokens(NamedTuple):
    """What the masked path returns.

    Attributes:
        tokens: Class token and kept patches, in the order of ascending noise
            ``(batch, 1 + kept, width)``.
        mask: 1 for removed patches, 0 for kept ones, in the picture's order ``(batch, patches)``.
        ids_restore: Place of each patch among the kept and then the removed ones
            ``(batch, patches)``, int64.
    """

    tokens: Tensor
    mask: Tensor
    ids_restore: Tensor


class PatchEmbedding(nn.Module):
    """Cut a picture into square patches and project each.

    Args:
        patch_size: Side of a patch in pixels.
        width: Width of a token.
    """

    def __init__(self, patch_size: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch_size, stride=patch_size)

    def forward(self, images: Tensor) -> Tensor:
        """Map pictures ``(batch, 3, height, width)`` to ``(batch, patches, width)``, by rows."""
        patches: Tensor = self.proj(images)
        return patches.flatten(2).mT


class SelfAttention(nn.Module):
    """Multi-head self attention of image tokens.

    Args:
        width: Width of a token.
        num_heads: Number of heads.
    """

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens ``(batch, tokens, width)`` to as many."""
        split = self.qkv(tokens).unflatten(-1, (3, self.num_heads, -1))
        query, key, value = split.permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(query, key, value)
        projected: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return projected


class FeedForward(nn.Module):
    """Two linear layers with a GELU between them.

    Args:
        width: Width of a token.
        inner_width: Width between the layers.
    """

    def __init__(self, width: int, inner_width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, inner_width)
        self.fc2 = nn.Linear(inner_width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens ``(batch, tokens, width)`` to as many."""
        mapped: Tensor = self.fc2(nn.functional.gelu(self.fc1(tokens)))
        return mapped


class VisionBlock(nn.Module):
    """Self attention and feed forward, each after a norm and beside a residual.

    Args:
        width: Width of a token.
        num_heads: Number of heads.
    """

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, _NORM_EPS)
        self.attn = SelfAttention(width, num_heads)
        self.norm2 = nn.LayerNorm(width, _NORM_EPS)
        self.mlp = FeedForward(width, 4 * width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens ``(batch, tokens, width)`` to as many."""
        tokens = tokens + self.attn(self.norm1(tokens))
        mapped: Tensor = tokens + self.mlp(self.norm2(tokens))
        return mapped


class VisionTransformer(nn.Module):
    """Vision transformer without pooling or head.

    Args:
        image_size: Side of the square pictures in pixels.
        patch_size: Side of a patch in pixels.
        width: Width of a token.
        depth: Number of blocks.
        num_heads: Number of heads.

    Raises:
        ConfigError: The patches do not fill the picture, or the heads not the width.

    Source: Dosovitskiy et al., ICLR 2021; masked path: He et al., Masked autoencoders are scalable
        vision learners, CVPR 2022, section 3.
    """

    def __init__(
        self,
        image_size: int = 384,
        patch_size: int = 16,
        width: int = 768,
        depth: int = 12,
        num_heads: int = 12,
    ) -> None:
        super().__init__()
        if image_size % patch_size:
            raise ConfigError(f"image_size {image_size} is no multiple of patch_size {patch_size}")
        if width % num_heads:
            raise ConfigError(f"the width {width} is no multiple of its {num_heads} heads")
        self.image_size = image_size
        self.patch_size = patch_size
        self.num_patches = (image_size // patch_size) ** 2
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + self.num_patches, width))
        self.patch_embed = PatchEmbedding(patch_size, width)
        self.blocks = nn.ModuleList(VisionBlock(width, num_heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, _NORM_EPS)
        self._initialize()

    def _initialize(self) -> None:
        for tensor in (self.cls_token, self.pos_embed):
            nn.init.trunc_normal_(tensor, std=_INIT_STD)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=_INIT_STD)
                nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Encode pictures.

        Args:
            images: Normalised pictures ``(batch, 3, image_size, image_size)``.

        Returns:
            Normalised tokens ``(batch, 1 + patches, width)``, the class token first.
        """
        return self._encode(self._patches(images))

    def forward_masked(self, images: Tensor, mask_ratio: float, noise: Tensor) -> MaskedTokens:
        """Encode pictures of which only some patches are seen.

        Args:
            images: Normalised pictures ``(batch, 3, image_size, image_size)``.
            mask_ratio: Share of the patches to remove, in [0, 1).
            noise: One number for each patch ``(batch, patches)``; those with the smallest are kept.

        Returns:
            Tokens of the kept patches, and which they are.
        """
        patches = self._patches(images)
        kept = int(self.num_patches * (1 - mask_ratio))
        ids_shuffle = noise.argsort(dim=1)
        ids_restore = ids_shuffle.argsort(dim=1)
        ids_kept = ids_shuffle[:, :kept, None].expand(-1, -1, patches.shape[2])
        mask = (ids_restore >= kept).to(noise.dtype)
        return MaskedTokens(self._encode(patches.gather(1, ids_kept)), mask, ids_restore)

    def _patches(self, images: Tensor) -> Tensor:
        patches: Tensor = self.patch_embed(images)
        return patches + self.pos_embed[:, 1:]

    def _encode(self, patches: Tensor) -> Tensor:
        class_token = (self.cls_token + self.pos_embed[:, :1]).expand(patches.shape[0], -1, -1)
        tokens = torch.cat([class_token.to(patches.dtype), patches], dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        normed: Tensor = self.norm(tokens)
        return normed
