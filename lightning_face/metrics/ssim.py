"""Structural similarity of pictures."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional
from torchmetrics import Metric

__all__ = ["SSIM", "ssim"]

_WINDOW = 11
_SIGMA = 1.5
_K1, _K2 = 0.01, 0.03


def ssim(images: Tensor, references: Tensor, data_range: float | None = 1.0) -> Tensor:
    """Compare luminance, contrast and structure within a sliding Gaussian window.

    The window of 11x11 pixels with a deviation of 1.5 stays inside the pictures (unlike that of
    torchmetrics, which mirrors them at the border); channels are compared one by one.

    Args:
        images: Pictures ``(batch, channels, height, width)``, sides of 11 pixels or more.
        references: What they are compared with, same shape.
        data_range: Distance of the largest possible value from the smallest. None tells it from
            the values of ``images``: from -1 if there are values below -0.5, else from 0, up to
            255 if there are values above 128, else up to 1.

    Returns:
        Similarities ``(batch,)``, 1 for equal pictures.

    Raises:
        ValueError: If the shapes differ or the pictures are smaller than the window.

    Source:
        Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity",
        equations 13 to 17.
    """
    if images.shape != references.shape or images.dim() != 4 or min(images.shape[2:]) < _WINDOW:
        msg = (
            f"expected two batches (batch, channels, height, width) of one shape with sides of "
            f"{_WINDOW} pixels or more, got {tuple(images.shape)} and {tuple(references.shape)}"
        )
        raise ValueError(msg)
    if data_range is None:
        data_range = _told_range(images)
    c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2
    x, y = images.float(), references.float()
    mean_x, mean_y, square_x, square_y, product = _blurred(torch.stack([x, y, x * x, y * y, x * y]))
    variances = square_x - mean_x.square() + square_y - mean_y.square()
    covariance = product - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + c1) / (mean_x.square() + mean_y.square() + c1)
    similarity: Tensor = luminance * (2 * covariance + c2) / (variances + c2)
    return similarity.mean(dim=(1, 2, 3))


def _told_range(images: Tensor) -> float:
    smallest, largest = images.aminmax()
    return (255.0 if largest > 128 else 1.0) - (-1.0 if smallest < -0.5 else 0.0)


def _blurred(stack: Tensor) -> Tensor:
    """Weighted means of ``(..., height, width)``, both sides 10 pixels shorter."""
    offsets = torch.arange(_WINDOW, dtype=stack.dtype, device=stack.device) - _WINDOW // 2
    window = (-offsets.square() / (2 * _SIGMA**2)).exp()
    window = window / window.sum()
    planes = stack.flatten(0, -3).unsqueeze(1)
    planes = functional.conv2d(planes, window.view(1, 1, -1, 1))
    planes = functional.conv2d(planes, window.view(1, 1, 1, -1))
    return planes.view(*stack.shape[:-2], *planes.shape[2:])


class SSIM(Metric):
    """Mean structural similarity over pairs of pictures.

    Args:
        data_range: Distance of the largest possible value from the smallest.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    total: Tensor
    count: Tensor

    def __init__(self, data_range: float = 1.0) -> None:
        super().__init__()
        self.data_range = data_range
        self.add_state(
            "total", default=torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="sum"
        )
        self.add_state("count", default=torch.tensor(0), dist_reduce_fx="sum")

    @torch.no_grad()
    def update(self, images: Tensor, references: Tensor) -> None:
        """Add pairs.

        Args:
            images: Pictures ``(batch, channels, height, width)``.
            references: What they are compared with, same shape.
        """
        self.total += ssim(images, references, self.data_range).double().sum()
        self.count += len(images)

    def compute(self) -> Tensor:
        """Return the mean over all pairs seen so far, on every process."""
        return (self.total / self.count).float()
