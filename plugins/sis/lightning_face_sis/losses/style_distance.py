"""Likeness of the styles drawn from noise and the styles of pictures."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["style_distance"]


def style_distance(drawn: Tensor, encoded: Tensor, present: Tensor) -> Tensor:
    """Compute how far two distributions of style codes are from each other, class by class.

    It is the energy distance but for a part that does not depend on what is drawn: twice the mean
    distance of drawn and encoded codes, less the mean distance of two drawn ones. It is smallest
    where both have one distribution, so it asks for plausible styles and for different ones.

    Args:
        drawn: Style codes from noise ``(draws, classes, width)``, two draws at least.
        encoded: Style codes of pictures ``(batch, classes, width)``; no gradient flows into them.
        present: Which classes the pictures have ``(batch, classes)``; others do not count.

    Returns:
        A scalar, averaged over the classes of all pictures; 0 if there is none.

    Source:
        Szekely and Rizzo, "Energy statistics: A class of statistics based on distances", section 2.
    """
    codes = drawn.float().transpose(0, 1)
    targets = encoded.detach().float().transpose(0, 1)
    across = _distances(codes, targets).mean(dim=1)
    draws = len(drawn)
    within = _distances(codes, codes).sum(dim=(1, 2)) / (draws * (draws - 1))
    counted = present.float().transpose(0, 1)
    terms = (2 * across - within.unsqueeze(1)) * counted
    return terms.sum() / counted.sum().clamp_min(1)


def _distances(codes: Tensor, others: Tensor) -> Tensor:
    """Distances of all pairs of two lists of vectors, per unit of width."""
    squares = (codes.unsqueeze(2) - others.unsqueeze(1)).square().mean(dim=3)
    # the root has no slope at 0, where a code meets itself
    return torch.sqrt(squares + 1e-8)
