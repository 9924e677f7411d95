"""Pairs of images within a batch, as the swaps of the paper are tested."""

from __future__ import annotations

from torch import Tensor

__all__ = ["exchange_halves"]


def exchange_halves(batch: Tensor) -> Tensor:
    """Put every element in the place of its partner: the first half and the second trade places.

    Args:
        batch: Anything of an even length ``(2 n, ...)``; element ``i`` and ``i + n`` are partners.

    Returns:
        The partner of every element, of the same shape.

    Raises:
        ValueError: If the length is odd, so that one element has no partner.
    """
    if len(batch) % 2:
        msg = f"{len(batch)} elements cannot be paired: an even number is needed"
        raise ValueError(msg)
    return batch.roll(len(batch) // 2, dims=0)
