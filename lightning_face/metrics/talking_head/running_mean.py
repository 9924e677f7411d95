"""Means over frames or sequences that all processes share."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

__all__ = ["RunningMean", "RunningMeans"]


class RunningMean(Metric):
    """Mean of values that a subclass adds, one for each frame or one for each sequence."""

    is_differentiable = False
    higher_is_better = False
    full_state_update = False

    total: Tensor
    count: Tensor

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(**kwargs)
        self.add_state("total", torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")

    def add(self, values: Tensor) -> None:
        """Add values ``(n,)``."""
        self.total += values.sum()
        self.count += len(values)

    def compute(self) -> Tensor:
        """Return the mean of all values seen so far, on every process; nan before the first."""
        return (self.total / self.count).float()


class RunningMeans(Metric):
    """Means of several values of each sequence.

    Args:
        names: Names of the values, in the order in which `compute` returns them.
    """

    is_differentiable = False
    higher_is_better = None
    full_state_update = False

    totals: Tensor
    count: Tensor

    def __init__(self, names: tuple[str, ...], **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(**kwargs)
        self.names = names
        zeros = torch.zeros(len(names), dtype=torch.float64)
        self.add_state("totals", zeros, dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")

    def add(self, values: dict[str, Tensor]) -> None:
        """Add the values of one sequence, scalars by name."""
        self.totals += torch.stack([values[name].double() for name in self.names])
        self.count += 1

    def compute(self) -> dict[str, Tensor]:
        """Return the mean of each value over all sequences, on every process."""
        means = (self.totals / self.count).float()
        return dict(zip(self.names, means, strict=True))
