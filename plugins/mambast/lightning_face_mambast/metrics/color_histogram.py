"""Distance between the colours of two pictures, by histograms of their log-chroma."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from lightning_face.metrics.pair_distance import MeanPairDistance

__all__ = ["ColorDistance", "Kernel", "color_histogram", "hellinger_distance"]

Kernel = Literal["inverse-quadratic", "RBF", "thresholding"]

_EPS = 1e-6
_BOUNDARY = 3.0
# For red, green and blue: the two channels it is compared with.
_OTHERS = ((1, 2), (0, 2), (0, 1))


def color_histogram(
    images: Tensor,
    bins: int = 64,
    largest_side: int = 256,
    kernel: Kernel = "inverse-quadratic",
    intensity_scale: bool = True,
    sigma: float = 0.02,
) -> Tensor:
    """Compute smooth histograms of the log-ratios of colour channels.

    Each channel has a plane of its log-ratios to the two others, in [-3, 3].

    Args:
        images: Pictures ``(batch, 3, height, width)``, clamped to [0, 1].
        bins: Bins along each side of a plane.
        largest_side: Pictures with a longer side are resized to a square of this side.
        kernel: How a pixel spreads over the bins around its own: ``inverse-quadratic`` or ``RBF``
            of width ``sigma``, or ``thresholding``, the bin within half a bin's width.
        intensity_scale: Weigh pixels by their brightness.
        sigma: Width of the kernel.

    Returns:
        Histograms ``(batch, 3, bins, bins)``, each picture's summing to 1.

    Raises:
        ValueError: If the kernel is not one of the three.

    Source:
        Afifi et al., "HistoGAN: Controlling Colors of GAN-Generated and Real Images via Color
        Histograms", equations 1 to 4.
    """
    images = images.float().clamp(0, 1)
    if max(images.shape[2:]) > largest_side:
        images = functional.interpolate(
            images, size=(largest_side, largest_side), mode="bilinear", align_corners=False
        )
    # Bin arithmetic in float64: at a width of 0.02, float32 differences of logarithms show.
    centres = torch.linspace(-_BOUNDARY, _BOUNDARY, bins, dtype=torch.float64, device=images.device)
    histograms = images.new_empty(len(images), 3, bins, bins)
    for index, image in enumerate(images):
        pixels = image.flatten(1)
        logs = (pixels + _EPS).log()
        weight = (pixels.square().sum(dim=0) + _EPS).sqrt() if intensity_scale else None
        for channel, (first, second) in enumerate(_OTHERS):
            u = _spread(logs[channel] - logs[first], centres, kernel, sigma)
            v = _spread(logs[channel] - logs[second], centres, kernel, sigma)
            histograms[index, channel] = (u if weight is None else u * weight) @ v.T
    return histograms / (histograms.sum(dim=(1, 2, 3), keepdim=True) + _EPS)


def _spread(values: Tensor, centres: Tensor, kernel: Kernel, sigma: float) -> Tensor:
    """Share ``(bins, pixels)`` of every pixel in every bin, in float32."""
    distance = (values - centres[:, None]).abs()
    if kernel == "inverse-quadratic":
        share = distance.div_(sigma).square_().add_(1).reciprocal_()
    elif kernel == "RBF":
        share = distance.div_(sigma).square_().neg_().exp_()
    elif kernel == "thresholding":
        share = distance <= _BOUNDARY / len(centres)
    else:
        msg = f"kernel must be inverse-quadratic, RBF or thresholding, got {kernel!r}"
        raise ValueError(msg)
    return share.float()


def hellinger_distance(histograms_a: Tensor, histograms_b: Tensor) -> Tensor:
    """Compare histograms.

    Args:
        histograms_a: First histograms ``(batch, ...)``, not negative.
        histograms_b: Second histograms, same shape.

    Returns:
        Distances ``(batch,)`` in [0, 1] for histograms that sum to 1.

    Source:
        Afifi et al., "HistoGAN", equation 6.
    """
    difference = (histograms_a.sqrt() - histograms_b.sqrt()).flatten(1)
    return difference.norm(dim=1) / 2**0.5


class ColorDistance(MeanPairDistance[Tensor]):
    """Mean distance between the colours of stylised pictures and of their styles.

    Args:
        cached: How many styles to keep the histograms of, for use with names.
    """

    def __init__(self, cached: int = 1024) -> None:
        super().__init__(cached)

    def features(self, image: Tensor) -> Tensor:
        """Compute the histogram of a picture."""
        return color_histogram(image)

    def distance(self, features: Tensor, reference: Tensor) -> Tensor:
        """Compare the histogram of a stylised picture with that of its style."""
        return hellinger_distance(features, reference)
