"""Stylising without taking over the colours of the style."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["keep_colors", "match_colors"]

# ITU-R 601 luma
_LUMA = (0.299, 0.587, 0.114)
_EPS = 1e-5


def keep_colors(stylized: Tensor, content: Tensor) -> Tensor:
    """Take the brightness from one picture and the colours from another.

    Args:
        stylized: RGB ``(batch, 3, height, width)``.
        content: RGB in [0, 1], same shape.

    Returns:
        ``content`` with the luma of ``stylized``, same shape, not clamped.

    Source:
        Gatys et al., "Preserving Color in Neural Artistic Style Transfer", section 3.2.
    """
    luma = torch.tensor(_LUMA).to(content).view(1, 3, 1, 1)
    return content + ((stylized - content) * luma).sum(dim=1, keepdim=True)


def match_colors(style: Tensor, content: Tensor) -> Tensor:
    """Give a picture the mean and the covariance of another one's colours.

    Args:
        style: RGB ``(batch, 3, any height, any width)``.
        content: RGB ``(batch, 3, any height, any width)``.

    Returns:
        ``style`` with the colour statistics of ``content``, clamped to [0, 1].

    Source:
        Gatys et al., "Preserving Color in Neural Artistic Style Transfer", section 3.1, with the
        symmetric root of covariances.
    """
    mean_from, root_from = _statistics(style, inverse=True)
    mean_to, root_to = _statistics(content, inverse=False)
    matched = root_to @ root_from @ (style.flatten(2).double() - mean_from) + mean_to
    return matched.view_as(style).clamp(0, 1).to(style)


def _statistics(images: Tensor, inverse: bool) -> tuple[Tensor, Tensor]:
    """Mean ``(batch, 3, 1)`` and root of the covariance ``(batch, 3, 3)`` of the colours."""
    pixels = images.flatten(2).double()
    mean = pixels.mean(dim=2, keepdim=True)
    covariance = (pixels - mean) @ (pixels - mean).mT / pixels.shape[2]
    values, vectors = torch.linalg.eigh(covariance + _EPS * torch.eye(3).to(covariance))
    power = -0.5 if inverse else 0.5
    return mean, vectors @ torch.diag_embed(values.clamp(min=_EPS) ** power) @ vectors.mT
