"""Whether a stronger intensity shows more."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

__all__ = ["IntensityMonotonicity"]


class IntensityMonotonicity(Metric):
    """Share of expressions that grow strictly with their intensity.

    An expression of one sentence is counted when all its intensities have been added; its size is
    that of its mean displacement. ``compute`` returns the share in 0..1, nan where no expression
    came in two intensities.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    rows: list[Tensor]

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(**kwargs)
        self.add_state("rows", [], dist_reduce_fx="cat")

    def update(self, group: int, intensity: float, displacement: Tensor) -> None:
        """Add one sequence.

        Args:
            group: A number shared by the intensities of one emotion of one sentence, and no others.
            intensity: Strength of the expression.
            displacement: Displacements that the expression causes ``(frames, points, 3)``.
        """
        size = displacement.double().mean(dim=0).norm()
        self.rows.append(size.new_tensor([[group, intensity, float(size)]]))

    def compute(self) -> Tensor:
        """Return the share over all expressions of all processes."""
        if not len(self.rows):
            return torch.tensor(torch.nan)
        # processes may repeat a sequence
        rows = torch.unique(dim_zero_cat(self.rows), dim=0)
        growing = []
        for group in torch.unique(rows[:, 0]):
            sizes = rows[rows[:, 0] == group, 2]
            if len(sizes) > 1:
                growing.append(bool((sizes.diff() > 0).all()))
        return torch.tensor(growing).float().mean()
