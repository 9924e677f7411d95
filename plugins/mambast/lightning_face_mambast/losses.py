"""Content, style and identity losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from lightning_face_mambast.mambast import Triple
from lightning_face_mambast.vgg import VGGNormalised

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["LossTerms", "StyleTransferLoss", "content_terms", "style_terms"]


class LossTerms(NamedTuple):
    """Unweighted losses, split by layer.

    Attributes:
        content: Content distance at relu5_1 and relu4_1 ``(2,)``.
        style: Distance of means plus distance of deviations, relu1_1 to relu5_1 ``(5,)``.
        identity1: Pixel distance of the reconstructed content and of the style ``(2,)``.
        identity2_content: Feature distance of the reconstructed content, by layer ``(5,)``.
        identity2_style: Feature distance of the reconstructed style, by layer ``(5,)``.
    """

    content: Tensor
    style: Tensor
    identity1: Tensor
    identity2_content: Tensor
    identity2_style: Tensor

    def sums(self) -> dict[str, Tensor]:
        """Give the four losses of the paper, unweighted scalars, by name."""
        return {
            "content": self.content.sum(),
            "style": self.style.sum(),
            "identity1": self.identity1.sum(),
            "identity2": self.identity2_content.sum() + self.identity2_style.sum(),
        }


class StyleTransferLoss(nn.Module):
    """Compare the three passes of the network with the pictures they were made from.

    Source: the paper, section 3 (losses). The published code fixes what the paper leaves open:
    variances are unbiased with 1e-5 inside the root, the content loss compares normalised features
    of two layers, the identity losses are plain sums over pictures and layers.

    The feature network is a tool and not a part of this module: it follows to other devices, but
    it has no place among parameters, in checkpoints or in exported weights.

    Args:
        vgg: The frozen feature network.
    """

    vgg: VGGNormalised

    def __init__(self, vgg: VGGNormalised) -> None:
        super().__init__()
        object.__setattr__(self, "vgg", vgg.requires_grad_(False).eval())

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        self.vgg._apply(fn, recurse)
        result: Self = super()._apply(fn, recurse)
        return result

    def forward(self, content: Tensor, style: Tensor, outputs: Triple) -> LossTerms:
        """Compute all terms.

        Args:
            content: Contents ``(batch, 3, height, width)``, RGB in [0, 1].
            style: Styles of the same shape.
            outputs: What the network made of them.

        Returns:
            The terms; gradients flow to ``outputs`` only.
        """
        with torch.no_grad():
            targets = self.features(torch.cat([content, style]))
        content_targets, style_targets = _chunks(targets, 2)
        stylised, again_content, again_style = _chunks(self.features(torch.cat(outputs)), 3)
        return LossTerms(
            content=content_terms(stylised, content_targets),
            style=style_terms(stylised, style_targets),
            identity1=torch.stack(
                [
                    mse_loss(outputs.content.float(), content.float()),
                    mse_loss(outputs.style.float(), style.float()),
                ]
            ),
            identity2_content=_distances(again_content, content_targets),
            identity2_style=_distances(again_style, style_targets),
        )

    def features(self, images: Tensor) -> list[Tensor]:
        """Compute the five feature maps of pictures, float32."""
        return [each.float() for each in self.vgg(images)]


def content_terms(features: list[Tensor], targets: list[Tensor]) -> Tensor:
    """Compare normalised features at relu5_1 and relu4_1: ``(2,)``.

    Args:
        features: Five maps ``(batch, channels, height, width)`` of the stylised pictures.
        targets: Those of the contents.
    """
    return torch.stack([mse_loss(_normalise(features[i]), _normalise(targets[i])) for i in (4, 3)])


def style_terms(features: list[Tensor], targets: list[Tensor]) -> Tensor:
    """Compare means and deviations of each channel, relu1_1 to relu5_1: ``(5,)``.

    Args:
        features: Five maps ``(batch, channels, height, width)`` of the stylised pictures.
        targets: Those of the styles; heights and widths may differ.
    """
    terms = []
    for feature, target in zip(features, targets, strict=True):
        mean, deviation = _statistics(feature)
        wanted_mean, wanted_deviation = _statistics(target)
        terms.append(mse_loss(mean, wanted_mean) + mse_loss(deviation, wanted_deviation))
    return torch.stack(terms)


def _distances(features: list[Tensor], targets: list[Tensor]) -> Tensor:
    return torch.stack([mse_loss(a, b) for a, b in zip(features, targets, strict=True)])


def _statistics(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel of each sample, ``(batch, channels, 1, 1)``."""
    variance, mean = torch.var_mean(features, dim=(2, 3), keepdim=True)
    return mean, (variance + 1e-5).sqrt()


def _normalise(features: Tensor) -> Tensor:
    mean, deviation = _statistics(features)
    return (features - mean) / deviation


def _chunks(features: list[Tensor], count: int) -> list[list[Tensor]]:
    """Split a list of batched maps into lists, one for each of ``count`` equal parts."""
    return [list(part) for part in zip(*(each.chunk(count) for each in features), strict=True)]
