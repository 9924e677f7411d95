"""Random spans that hide a part of a sequence in training."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["span_mask"]


def span_mask(batch: int, size: int, fraction: float, length: int, min_spans: int) -> Tensor:
    """Draw spans of one length, which may overlap, in each sequence of a batch.

    Args:
        batch: Sequences.
        size: Elements of a sequence, at least ``length``.
        fraction: Expected part of the elements in spans, if none overlapped.
        length: Elements of a span.
        min_spans: Spans of a sequence at least, as far as it has room for them side by side.

    Returns:
        True inside spans (batch, size).

    Source:
        D. Park et al., SpecAugment, Interspeech 2019; fraction, length and minimum of HuBERT's
        settings.
    """
    # rounded up or down at random, so that the expectation is exact
    count = int(fraction * size / length + torch.rand(()).item())
    count = min(max(count, min_spans), size // length)
    starts = torch.rand(batch, size - length + 1).argsort(dim=1)[:, :count]
    inside = (starts[..., None] + torch.arange(length)).flatten(1)
    return torch.zeros(batch, size, dtype=torch.bool).scatter_(1, inside, True)
