"""Patch discriminators at several scales."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

from lightning_face.errors import ConfigError

__all__ = ["DiscriminatorNorm", "MultiscaleDiscriminator", "PatchDiscriminator"]

DiscriminatorNorm = Literal["spectralinstance", "spectral", "instance"]

MAX_WIDTH = 512


class DiscriminatorStage(nn.Module):
    """Convolution 4x4, perhaps instance norm, perhaps LeakyReLU.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Stride of the convolution.
        norm: What is normalised, the weights, the features or both; None for neither.
        activation: Whether a LeakyReLU follows.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        norm: DiscriminatorNorm | None = None,
        activation: bool = True,
    ) -> None:
        super().__init__()
        self.instance = norm in ("spectralinstance", "instance")
        self.activation = activation
        # an instance norm takes a bias away again
        self.conv = nn.Conv2d(
            in_channels, out_channels, 4, stride, padding=2, bias=not self.instance
        )
        if norm in ("spectralinstance", "spectral"):
            spectral_norm(self.conv)

    def forward(self, features: Tensor) -> Tensor:
        """Map features ``(batch, in_channels, height, width)``."""
        features = self.conv(features)
        if self.instance:
            features = F.instance_norm(features)
        return F.leaky_relu(features, 0.2) if self.activation else features


class PatchDiscriminator(nn.Module):
    """Judges overlapping patches of a picture.

    Args:
        in_channels: Channels of picture and masks together.
        ndf: Channels after the first convolution; they double up to 512.
        num_layers: Number of strided convolutions.
        norm: Normalisation of all convolutions but the first and the last.

    Source:
        Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks"
        (arXiv 1611.07004), section 3.2.2, in the sizes of CA2-SIS.
    """

    def __init__(
        self, in_channels: int, ndf: int, num_layers: int, norm: DiscriminatorNorm
    ) -> None:
        super().__init__()
        width = ndf
        self.stages = nn.ModuleList([DiscriminatorStage(in_channels, width, stride=2)])
        for _ in range(1, num_layers):
            wider = min(2 * width, MAX_WIDTH)
            self.stages.append(DiscriminatorStage(width, wider, stride=2, norm=norm))
            width = wider
        self.stages.append(DiscriminatorStage(width, 1, stride=1, activation=False))

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Judge pictures ``(batch, in_channels, height, width)``; see `MultiscaleDiscriminator`."""
        outputs = []
        features = pictures
        for stage in self.stages:
            features = stage(features)
            outputs.append(features)
        return outputs


class MultiscaleDiscriminator(nn.Module):
    """Patch discriminators of their own weights, each for pictures half as large as before.

    Args:
        in_channels: Channels of picture and masks together, 22 for 19 classes.
        ndf: Channels after the first convolution.
        num_layers: Number of convolutions of a discriminator before the last one.
        num_scales: Number of discriminators.
        norm: ``spectralinstance`` normalises weights and features as published, ``spectral`` the
            weights only, ``instance`` the features only; the first and the last convolution are
            not normalised.

    Raises:
        ConfigError: There are no layers or no scales.

    Source:
        Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with Conditional
        GANs" (arXiv 1711.11585), section 3.2, in the sizes of CA2-SIS.
    """

    def __init__(
        self,
        in_channels: int,
        ndf: int = 64,
        num_layers: int = 3,
        num_scales: int = 2,
        norm: DiscriminatorNorm = "spectralinstance",
    ) -> None:
        super().__init__()
        if num_layers < 1 or num_scales < 1:
            msg = f"num_layers={num_layers} and num_scales={num_scales} must be at least 1"
            raise ConfigError(msg)
        if norm not in ("spectralinstance", "spectral", "instance"):
            msg = f"norm={norm!r} must be spectralinstance, spectral or instance"
            raise ConfigError(msg)
        self.scales = nn.ModuleList(
            PatchDiscriminator(in_channels, ndf, num_layers, norm) for _ in range(num_scales)
        )

    def forward(self, pictures: Tensor) -> list[list[Tensor]]:
        """Judge pictures.

        Args:
            pictures: Masks and picture, joined along the channels
                ``(batch, in_channels, height, width)``.

        Returns:
            For every scale, finest first, the outputs of all stages; the last is the judgement
            ``(batch, 1, ., .)``.
        """
        outputs = []
        for index, scale in enumerate(self.scales):
            if index:
                pictures = F.avg_pool2d(pictures, 3, stride=2, padding=1, count_include_pad=False)
            outputs.append(scale(pictures))
        return outputs
