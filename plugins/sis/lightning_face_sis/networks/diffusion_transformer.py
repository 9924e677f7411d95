"""Transformer of the denoising network: pixels, style tokens and a feed-forward."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from lightning_face_sis.networks.conditioning import Conditioning
from lightning_face_sis.networks.masked_attention import MaskedCrossAttention, PickedRows
from lightning_face_sis.networks.pixelwise import PixelwiseConv2d, PixelwiseLinear

__all__ = ["AttentionLogits", "DiffusionTransformer"]


class AttentionLogits(NamedTuple):
    """What an attention would look at without masks.

    Attributes:
        logits: Scaled logits ``(batch, heads, height * width, classes)``.
        grid: Height and width.
    """

    logits: Tensor
    grid: tuple[int, int]


class DiffusionTransformer(nn.Module):
    """Self-attention, attention to the style tokens and feed-forward over the pixels.

    The last map starts at zero, so that a new block changes nothing.

    Args:
        channels: Channels of the picture, a multiple of 32.
        heads: Number of heads.
        head_dim: Width of a head; a token is as wide as all heads together.
        context_dim: Width of a style token.
        depth: Number of transformer blocks.
        mask_attention: Whether a pixel sees the style token of its own class only.

    Source:
        Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models"
        (arXiv 2112.10752), appendix E; Ergasti et al., "Controllable Face Synthesis with Semantic
        Latent Diffusion Models" (arXiv 2403.12743), section 3.
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        head_dim: int,
        context_dim: int,
        depth: int = 1,
        mask_attention: bool = True,
    ) -> None:
        super().__init__()
        dim = heads * head_dim
        self.norm = nn.GroupNorm(32, channels, eps=1e-6)
        self.proj_in = PixelwiseConv2d(channels, dim)
        self.transformer_blocks = nn.ModuleList(
            TransformerBlock(dim, heads, head_dim, context_dim, mask_attention)
            for _ in range(depth)
        )
        self.proj_out = PixelwiseConv2d(dim, channels)
        for parameter in self.proj_out.parameters():
            nn.init.zeros_(parameter)

    def forward(
        self,
        features: Tensor,
        conditioning: Conditioning,
        with_logits: bool = False,
    ) -> tuple[Tensor, list[AttentionLogits]]:
        """Give the pixels the styles of their classes.

        Args:
            features: Features ``(batch, channels, height, width)``.
            conditioning: Label maps and styles.
            with_logits: Whether to give the logits of the attention to the styles, too.

        Returns:
            Features of the same shape, and the logits of every block where they are asked for.
        """
        grid = (features.shape[2], features.shape[3])
        tokens = self.proj_in(self.norm(features)).flatten(2).transpose(1, 2)
        logits: list[AttentionLogits] = []
        for block in self.transformer_blocks:
            tokens, found = block(tokens, conditioning, grid, with_logits)
            logits += found
        picture = tokens.transpose(1, 2).unflatten(2, grid)
        return features + self.proj_out(picture), logits


class TransformerBlock(nn.Module):
    """One block over tokens.

    Args:
        dim: Width of a token.
        heads: Number of heads.
        head_dim: Width of a head.
        context_dim: Width of a style token.
        mask_attention: Whether a pixel sees the style token of its own class only.
    """

    def __init__(
        self, dim: int, heads: int, head_dim: int, context_dim: int, mask_attention: bool
    ) -> None:
        super().__init__()
        self.mask_attention = mask_attention
        self.attn1 = SelfAttention(dim, heads, head_dim)
        self.ff = GatedFeedForward(dim)
        self.attn2 = MaskedCrossAttention(dim, context_dim, heads, head_dim)
        self.norm1 = nn.LayerNorm(dim)
        self.norm2 = nn.LayerNorm(dim)
        self.norm3 = nn.LayerNorm(dim)

    def forward(
        self,
        tokens: Tensor,
        conditioning: Conditioning,
        grid: tuple[int, int],
        with_logits: bool = False,
    ) -> tuple[Tensor, list[AttentionLogits]]:
        """Map tokens ``(batch, height * width, dim)``, and give the logits if asked for."""
        tokens = self.attn1(self.norm1(tokens)) + tokens
        looked_at = conditioning.looked_at(self.attn2, grid, self.mask_attention)
        # where rows are picked, the pixels themselves have no say
        needed = with_logits or not isinstance(looked_at, PickedRows)
        normed = self.norm2(tokens) if needed else tokens
        logits = []
        if with_logits:
            logits.append(AttentionLogits(self.attn2.logits(normed, looked_at), grid))
        tokens = self.attn2(normed, looked_at) + tokens
        return self.ff(self.norm3(tokens)) + tokens, logits


class SelfAttention(nn.Module):
    """Multi-head attention of tokens to each other.

    Args:
        dim: Width of a token.
        heads: Number of heads.
        head_dim: Width of a head.
    """

    def __init__(self, dim: int, heads: int, head_dim: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = PixelwiseLinear(dim, heads * head_dim, bias=False)
        self.to_k = PixelwiseLinear(dim, heads * head_dim, bias=False)
        self.to_v = PixelwiseLinear(dim, heads * head_dim, bias=False)
        # the list gives the weights their published names
        self.to_out = nn.Sequential(PixelwiseLinear(heads * head_dim, dim))

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens ``(batch, tokens, dim)``; the residual is the caller's."""
        query, key, value = (
            to(tokens).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for to in (self.to_q, self.to_k, self.to_v)
        )
        mixed = F.scaled_dot_product_attention(query, key, value)
        out: Tensor = self.to_out(mixed.transpose(1, 2).flatten(2))
        return out


class GatedFeedForward(nn.Module):
    """Two linear maps; one half of the first one's output gates the other through a GELU.

    Args:
        dim: Width of a token; that between the maps is four times as large.

    Source:
        Shazeer, "GLU Variants Improve Transformer" (arXiv 2002.05202), with the error function.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        # the lists give the weights their published names
        gate = GatedExpansion(dim, 4 * dim)
        self.net = nn.Sequential(gate, nn.Identity(), PixelwiseLinear(4 * dim, dim))

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens ``(batch, tokens, dim)``; the residual is the caller's."""
        out: Tensor = self.net(tokens)
        return out


class GatedExpansion(nn.Module):
    """Linear map, one half of whose output gates the other through a GELU.

    Args:
        in_dim: Width of a token.
        out_dim: Width of a half.
    """

    def __init__(self, in_dim: int, out_dim: int) -> None:
        super().__init__()
        self.proj = PixelwiseLinear(in_dim, 2 * out_dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens ``(batch, tokens, in_dim)``."""
        value, gate = self.proj(tokens).chunk(2, dim=-1)
        return value * F.gelu(gate)
