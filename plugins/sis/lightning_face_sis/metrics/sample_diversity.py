"""How much pictures differ that were drawn for the same label map."""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor
from torchmetrics import Metric

from lightning_face.metrics.lpips import LPIPSNetwork

__all__ = ["SampleDiversity"]


class SampleDiversity(Metric):
    """Mean distance of two pictures of one label map, over all pairs of all label maps.

    Args:
        network: Perceptual distance of a pair; None takes the mean absolute difference of colours
            in [-1, 1].
    """

    is_differentiable = False
    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self, network: LPIPSNetwork | None = None) -> None:
        super().__init__()
        self.network = network
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    @torch.no_grad()
    def update(self, samples: Tensor) -> None:
        """Add pictures.

        Args:
            samples: Pictures in [-1, 1] ``(batch, samples, 3, height, width)``, those of a label
                map together; a single sample of each adds nothing.
        """
        for first, second in combinations(samples.float().unbind(1), 2):
            if self.network is None:
                distances = (first - second).abs().mean(dim=(1, 2, 3))
            else:
                distances = self.network((first + 1) / 2, (second + 1) / 2)
            self.total += distances.double().sum()
            self.count += len(distances)

    def compute(self) -> Tensor:
        """Return the mean, undefined without a pair."""
        return (self.total / self.count).float()
