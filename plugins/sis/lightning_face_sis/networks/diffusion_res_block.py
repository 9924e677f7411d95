"""Residual blocks of the denoising network, with and without a label map."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_face_sis.networks.conditioning import Conditioning
from lightning_face_sis.networks.pixelwise import PixelwiseConv2d
from lightning_face_sis.networks.spade import SPADEGroupNorm

__all__ = ["DiffusionResBlock", "Resampling", "SPADEResBlock", "resample"]

Resampling = Literal["up", "down"]


class DiffusionResBlock(nn.Module):
    """Twice group norm, SiLU and convolution 3x3, the time between them, beside a skip connection.

    The last convolution starts at zero, so that a new block is its skip connection.

    Args:
        channels: Channels of the input, a multiple of 32.
        embedding_dim: Width of the embedding of the time.
        out_channels: Channels of the output, a multiple of 32; those of the input if None.
        dropout: Probability of dropout before the last convolution.
        use_scale_shift_norm: Whether the time scales and shifts the second norm, instead of being
            added before it.
        resampling: Whether to double or halve the sides before the first convolution.

    Source:
        Dhariwal and Nichol, "Diffusion Models Beat GANs on Image Synthesis" (arXiv 2105.05233).
    """

    def __init__(
        self,
        channels: int,
        embedding_dim: int,
        out_channels: int | None = None,
        dropout: float = 0.0,
        use_scale_shift_norm: bool = False,
        resampling: Resampling | None = None,
    ) -> None:
        super().__init__()
        out_channels = channels if out_channels is None else out_channels
        self.use_scale_shift_norm = use_scale_shift_norm
        self.resampling = resampling
        times = 2 if use_scale_shift_norm else 1
        # the lists give the weights their published names
        self.in_layers = nn.Sequential(*self._head(channels, out_channels))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embedding_dim, times * out_channels))
        self.out_layers = nn.Sequential(*self._tail(out_channels, dropout))
        same = channels == out_channels
        self.skip_connection = nn.Identity() if same else PixelwiseConv2d(channels, out_channels)

    def forward(self, features: Tensor, embedding: Tensor) -> Tensor:
        """Map features.

        Args:
            features: Features ``(batch, channels, height, width)``.
            embedding: Embedding of the time ``(batch, embedding_dim)``.

        Returns:
            Features ``(batch, out_channels, height, width)``, resampled if the block does so.
        """
        hidden = self._first(self.in_layers[0](features), self.in_layers[-1])
        hidden, scale, shift = self._time(hidden, embedding)
        return self._last(features, self.out_layers[0](hidden), scale, shift)

    @staticmethod
    def _head(channels: int, out_channels: int) -> list[nn.Module]:
        conv = nn.Conv2d(channels, out_channels, 3, padding=1)
        return [nn.GroupNorm(32, channels), nn.SiLU(), conv]

    @staticmethod
    def _tail(channels: int, dropout: float) -> list[nn.Module]:
        return [nn.GroupNorm(32, channels), nn.SiLU(), nn.Dropout(dropout), _zero_conv(channels)]

    def _first(self, normed: Tensor, conv: nn.Module) -> Tensor:
        """Apply SiLU and the first convolution."""
        hidden: Tensor = conv(resample(F.silu(normed), self.resampling))
        return hidden

    def _time(
        self, hidden: Tensor, embedding: Tensor
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Add the time, or give its scale and shift."""
        time = self.emb_layers(embedding)[:, :, None, None]
        if not self.use_scale_shift_norm:
            return hidden + time, None, None
        scale, shift = time.chunk(2, dim=1)
        return hidden, 1 + scale, shift

    def _last(
        self, features: Tensor, normed: Tensor, scale: Tensor | None, shift: Tensor | None
    ) -> Tensor:
        """Apply the second half and add the skip connection."""
        if scale is not None and shift is not None:
            normed = torch.addcmul(shift, normed, scale)
        dropout, conv = self.out_layers[-2], self.out_layers[-1]
        hidden: Tensor = conv(dropout(F.silu(normed)))
        skip: Tensor = self.skip_connection(resample(features, self.resampling))
        return skip + hidden


class SPADEResBlock(DiffusionResBlock):
    """The same block, with norms that the label map scales and shifts.

    Args:
        channels: Channels of the input, a multiple of 32.
        embedding_dim: Width of the embedding of the time.
        num_classes: Number of classes.
        out_channels: Channels of the output, a multiple of 32; those of the input if None.
        dropout: Probability of dropout before the last convolution.
        use_scale_shift_norm: Whether the time scales and shifts the second norm, instead of being
            added before it.
        resampling: Whether to double or halve the sides before the first convolution.

    Source:
        Wang et al., "Semantic Image Synthesis via Diffusion Models" (arXiv 2207.00050).
    """

    def __init__(
        self,
        channels: int,
        embedding_dim: int,
        num_classes: int,
        out_channels: int | None = None,
        dropout: float = 0.0,
        use_scale_shift_norm: bool = False,
        resampling: Resampling | None = None,
    ) -> None:
        super().__init__(
            channels, embedding_dim, out_channels, dropout, use_scale_shift_norm, resampling
        )
        out_channels = channels if out_channels is None else out_channels
        self.in_norm = SPADEGroupNorm(channels, num_classes)
        self.out_norm = SPADEGroupNorm(out_channels, num_classes)

    def forward(  # type: ignore[override]
        self, features: Tensor, embedding: Tensor, conditioning: Conditioning
    ) -> Tensor:
        """Map features.

        Args:
            features: Features ``(batch, channels, height, width)``.
            embedding: Embedding of the time ``(batch, embedding_dim)``.
            conditioning: Label maps.

        Returns:
            Features ``(batch, out_channels, height, width)``, resampled if the block does so.
        """
        normed = _normalise(self.in_norm, features, conditioning)
        hidden, scale, shift = self._time(self._first(normed, self.in_layers[-1]), embedding)
        normed = _normalise(self.out_norm, hidden, conditioning)
        return self._last(features, normed, scale, shift)

    @staticmethod
    def _head(channels: int, out_channels: int) -> list[nn.Module]:
        return [nn.SiLU(), nn.Conv2d(channels, out_channels, 3, padding=1)]

    @staticmethod
    def _tail(channels: int, dropout: float) -> list[nn.Module]:
        return [nn.SiLU(), nn.Dropout(dropout), _zero_conv(channels)]


def resample(features: Tensor, how: Resampling | None) -> Tensor:
    """Double the sides of features (nearest) or halve them (mean of 2x2), or leave them.

    Args:
        features: Features ``(batch, channels, height, width)``.
        how: What to do.
    """
    if how == "up":
        return F.interpolate(features, scale_factor=2, mode="nearest")
    return features if how is None else F.avg_pool2d(features, 2)


def _normalise(norm: SPADEGroupNorm, features: Tensor, conditioning: Conditioning) -> Tensor:
    size = (features.shape[2], features.shape[3])
    normed: Tensor = norm(features, conditioning.modulation(norm, size))
    return normed


def _zero_conv(channels: int) -> nn.Conv2d:
    conv = nn.Conv2d(channels, channels, 3, padding=1)
    for parameter in conv.parameters():
        nn.init.zeros_(parameter)
    return conv
