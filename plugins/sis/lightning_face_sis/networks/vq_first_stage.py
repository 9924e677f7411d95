"""Autoencoder whose latents are vectors of a codebook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from lightning_face.errors import ConfigError

__all__ = ["Quantized", "VQFirstStage", "nearest_codes"]

# distances computed at once: on a processor they stay in its cache
DISTANCES_ON_PROCESSOR = 2**19
DISTANCES_ON_ACCELERATOR = 2**26
COMMITMENT_WEIGHT = 0.25


class Quantized(NamedTuple):
    """Latents, each replaced by the nearest code.

    Attributes:
        latents: Codes ``(batch, channels, height, width)``; the gradient passes straight through.
        indices: Their numbers ``(batch, height, width)``.
    """

    latents: Tensor
    indices: Tensor


class VQFirstStage(nn.Module):
    """Pictures as small latents and back, by `diffusers.VQModel`.

    Encoding does not quantise: diffusion takes place among continuous latents. Decoding quantises
    first.

    Args:
        num_embeddings: Number of codes.
        latent_channels: Channels of a latent, and width of a code.
        channels: Channels at full size, a multiple of ``norm_groups``.
        channel_multipliers: Channels at each size over ``channels``.
        num_res_blocks: Residual blocks a size of the encoder; one more in the decoder.
        attention_resolutions: Sides, of a picture of ``resolution``, at which pixels attend to
            each other also outside the middle.
        resolution: Side by which these are counted; pictures may have any.
        norm_groups: Groups of every norm. A norm takes away what is common to a group, so that a
            narrow network needs fewer of them to know colours.

    Raises:
        ConfigError: The settings do not fit each other.

    Source:
        Esser et al., "Taming Transformers for High-Resolution Image Synthesis"
        (arXiv 2012.09841), section 3.1; VQ-f4 of Rombach et al., "High-Resolution Image Synthesis
        with Latent Diffusion Models" (arXiv 2112.10752), appendix D.1.
    """

    def __init__(
        self,
        num_embeddings: int = 8192,
        latent_channels: int = 3,
        channels: int = 128,
        channel_multipliers: Sequence[int] = (1, 2, 4),
        num_res_blocks: int = 2,
        attention_resolutions: Sequence[int] = (),
        resolution: int = 256,
        norm_groups: int = 32,
    ) -> None:
        super().__init__()
        if channels % norm_groups or not channel_multipliers:
            msg = (
                f"channels={channels} must be a multiple of norm_groups={norm_groups}, and "
                f"channel_multipliers={list(channel_multipliers)} must not be empty"
            )
            raise ConfigError(msg)
        # slow to import, and of no use to those who have latents
        from diffusers import VQModel

        attends = [
            resolution // 2**level in attention_resolutions
            for level in range(len(channel_multipliers))
        ]
        # its parts have no types
        self.autoencoder: Any = VQModel(
            block_out_channels=tuple(channels * multiplier for multiplier in channel_multipliers),
            layers_per_block=num_res_blocks,
            latent_channels=latent_channels,
            num_vq_embeddings=num_embeddings,
            vq_embed_dim=latent_channels,
            norm_num_groups=norm_groups,
            scaling_factor=1.0,
            down_block_types=tuple(
                "AttnDownEncoderBlock2D" if each else "DownEncoderBlock2D" for each in attends
            ),
            up_block_types=tuple(
                "AttnUpDecoderBlock2D" if each else "UpDecoderBlock2D" for each in attends[::-1]
            ),
        )
        self.num_embeddings = num_embeddings
        self.latent_channels = latent_channels
        self.factor: int = 2 ** (len(channel_multipliers) - 1)

    @property
    def codebook(self) -> Tensor:
        """The codes ``(num_embeddings, latent_channels)``."""
        codes: Tensor = self.autoencoder.quantize.embedding.weight
        return codes

    def encode(self, images: Tensor) -> Tensor:
        """Make pictures small.

        Args:
            images: Pictures ``(batch, 3, height, width)`` in -1..1.

        Returns:
            Latents ``(batch, latent_channels, height / factor, width / factor)``, not quantised.

        Raises:
            ValueError: If a side is not a multiple of the factor.
        """
        height, width = images.shape[2:]
        if height % self.factor or width % self.factor:
            msg = (
                f"pictures of {height}x{width} do not fit the first stage: both sides must be "
                f"multiples of {self.factor}"
            )
            raise ValueError(msg)
        dtype = self.autoencoder.encoder.conv_in.weight.dtype
        return self.autoencoder.encode(images.to(dtype)).latents.to(images.dtype)

    def quantize(self, latents: Tensor) -> Quantized:
        """Replace latents by the nearest codes; of several as near, by the first.

        Args:
            latents: Latents ``(batch, latent_channels, height, width)``.
        """
        rows = latents.permute(0, 2, 3, 1)
        indices = nearest_codes(rows.flatten(0, 2), self.codebook).view(rows.shape[:3])
        codes = self.codebook[indices].permute(0, 3, 1, 2).to(latents.dtype)
        if latents.requires_grad:
            codes = latents + (codes - latents).detach()
        return Quantized(codes, indices)

    def codebook_loss(self, latents: Tensor, indices: Tensor) -> Tensor:
        """Pull latents and codes towards each other.

        Args:
            latents: Latents ``(batch, latent_channels, height, width)``.
            indices: Numbers of their codes ``(batch, height, width)``.

        Returns:
            A scalar; the codes move a quarter as much as the latents, as in the published code.
        """
        codes = self.codebook[indices].permute(0, 3, 1, 2)
        pull = (codes.detach() - latents).square().mean()
        return pull + COMMITMENT_WEIGHT * (codes - latents.detach()).square().mean()

    def decode(self, latents: Tensor, quantize: bool = True) -> Tensor:
        """Make latents into pictures.

        Args:
            latents: Latents ``(batch, latent_channels, height, width)``.
            quantize: Whether to replace them by the nearest codes first.

        Returns:
            Pictures ``(batch, 3, factor * height, factor * width)``, about -1..1.
        """
        codes = self.quantize(latents).latents if quantize else latents
        dtype = self.autoencoder.decoder.conv_in.weight.dtype
        hidden = self.autoencoder.post_quant_conv(codes.to(self.codebook.dtype)).to(dtype)
        return self.autoencoder.decoder(hidden).to(latents.dtype)


@torch.no_grad()
def nearest_codes(vectors: Tensor, codes: Tensor) -> Tensor:
    """Find the nearest code of every vector; of several as near, the first.

    Args:
        vectors: Vectors ``(count, dim)``.
        codes: Codes ``(codes, dim)``.

    Returns:
        Numbers of codes ``(count,)``.
    """
    vectors, codes = vectors.float(), codes.float()
    # the square of the vector is the same for all codes
    half = codes.square().sum(dim=1) / 2
    on_processor = vectors.device.type == "cpu"
    at_once = DISTANCES_ON_PROCESSOR if on_processor else DISTANCES_ON_ACCELERATOR
    block = max(1, at_once // len(codes))
    distances = vectors.new_empty(min(block, len(vectors)), len(codes))
    found = torch.empty(len(vectors), dtype=torch.long, device=vectors.device)
    for rows, nearest in zip(vectors.split(block), found.split(block), strict=True):
        # one piece of memory for all blocks stays in the cache
        part = torch.addmm(half, rows, codes.t(), alpha=-1, out=distances[: len(rows)])
        torch.argmin(part, dim=1, out=nearest)
    return found
