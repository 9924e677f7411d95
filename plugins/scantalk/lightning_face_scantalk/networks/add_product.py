"""Sums of linear layers without a pass over memory for each."""

from __future__ import annotations

from torch import Tensor

__all__ = ["add_product"]


def add_product(values: Tensor, signal: Tensor, weight: Tensor) -> Tensor:
    """Add what a linear layer without bias makes of a signal, in place.

    Args:
        values: What to add to ``(..., outputs)``, contiguous; its type is that of the product,
            since autocast leaves operations in place alone.
        signal: Input of the layer ``(..., inputs)``.
        weight: Its weight ``(outputs, inputs)``.

    Returns:
        The same tensor.
    """
    rows = signal.flatten(0, -2).to(values.dtype)
    values.flatten(0, -2).addmm_(rows, weight.t().to(values.dtype))
    return values
