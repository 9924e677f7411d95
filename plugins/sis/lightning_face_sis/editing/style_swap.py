"""Styles of chosen classes taken from another image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["blend_styles", "swap_styles"]


def swap_styles(styles: Tensor, other: Tensor, classes: Sequence[int] | None = None) -> Tensor:
    """Replace the style codes of chosen classes by those of another image.

    Args:
        styles: Codes ``(batch, tokens, width)``, a token for each class and maybe more behind.
        other: Codes to take from, of the same shape, or of one image for the whole batch.
        classes: Which tokens are taken; None takes all, which is the transfer of a whole style.

    Returns:
        The codes ``(batch, tokens, width)``; ``styles`` is left as it was.
    """
    other = other.expand_as(styles)
    if classes is None:
        return other.clone()
    chosen = list(classes)
    swapped = styles.clone()
    swapped[:, chosen] = other[:, chosen]
    return swapped


def blend_styles(
    styles: Tensor, other: Tensor, weight: float, classes: Sequence[int] | None = None
) -> Tensor:
    """Move the style codes of chosen classes towards those of another image.

    Args:
        styles: Codes ``(batch, tokens, width)``.
        other: Codes to move towards, of the same shape, or of one image for the whole batch.
        weight: Share of the own codes: 1 changes nothing, 0 is `swap_styles`.
        classes: Which tokens are moved; None moves all.

    Returns:
        The codes ``(batch, tokens, width)``.
    """
    return swap_styles(styles, torch.lerp(other.expand_as(styles), styles, weight), classes)
