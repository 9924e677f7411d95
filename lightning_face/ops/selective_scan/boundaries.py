"""The states that a forward pass keeps, from which a backward pass computes the others again."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_face.ops.selective_scan.types import ScanInputs

__all__ = ["boundary_states"]


def boundary_states(inputs: ScanInputs, interval: int) -> Tensor:
    """Allocate room for the state at the start of every interval.

    Args:
        inputs: Arguments of the scan.
        interval: Tokens from one kept state to the next.

    Returns:
        Uninitialised float32 ``(batch, K, ceil(length / interval), N, channels)``.
    """
    batch, length, channels = inputs.u.shape
    directions, _, states = inputs.A.shape
    shape = (batch, directions, -(-length // interval), states, channels)
    return inputs.u.new_empty(shape, dtype=torch.float32)
