"""Means of measures for every emotion and every intensity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

__all__ = ["LabelMeans"]


class LabelMeans(Metric):
    """Means of several measures over the sequences of each emotion and intensity.

    Args:
        names: Names of the measures.
        num_emotions: Number of emotions.
        num_intensities: Number of intensities.
    """

    is_differentiable = False
    higher_is_better = None
    full_state_update = False

    totals: Tensor
    counts: Tensor

    def __init__(
        self,
        names: tuple[str, ...],
        num_emotions: int,
        num_intensities: int,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(**kwargs)
        self.names = names
        cells = (len(names), num_emotions, num_intensities)
        self.add_state("totals", torch.zeros(cells, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("counts", torch.zeros(cells, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, emotion: int, intensity: int, values: Mapping[str, Tensor]) -> None:
        """Add one sequence.

        Args:
            emotion: Number of the emotion.
            intensity: Place of its intensity, from 0.
            values: Measures by name: scalars, or one value for each frame ``(frames,)``, so that
                long sequences weigh more.
        """
        for index, name in enumerate(self.names):
            value = values[name].double().flatten()
            self.totals[index, emotion, intensity] += value.sum()
            self.counts[index, emotion, intensity] += len(value)

    def compute(self) -> dict[str, Tensor]:
        """Return tables of means ``(emotions, intensities)`` by measure, nan where nothing was."""
        means = (self.totals / self.counts).float()
        return dict(zip(self.names, means, strict=True))
