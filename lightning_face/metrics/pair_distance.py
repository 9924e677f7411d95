"""The mean of a distance over pairs of pictures, each second picture looked at once."""

from __future__ import annotations

from abc import abstractmethod
from typing import Generic, TypeVar

import torch
from torch import Tensor
from torchmetrics import Metric

from lightning_face.metrics.feature_cache import FeatureCache

__all__ = ["MeanPairDistance"]

Features = TypeVar("Features")


class MeanPairDistance(Metric, Generic[Features]):
    """Mean distance over pairs, from features of which those of the references are kept.

    A subclass says what the features of one picture are and how far two of them are apart.

    Args:
        cached: How many references to keep the features of, for use with names.
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False

    total: Tensor
    count: Tensor

    def __init__(self, cached: int) -> None:
        super().__init__()
        self.cache: FeatureCache[Features] = FeatureCache(cached)
        self.add_state(
            "total", default=torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="sum"
        )
        self.add_state("count", default=torch.tensor(0), dist_reduce_fx="sum")

    @abstractmethod
    def features(self, image: Tensor) -> Features:
        """Compute the features of one picture ``(1, 3, height, width)`` in [0, 1]."""

    @abstractmethod
    def distance(self, features: Features, reference: Features) -> Tensor:
        """Compare the features of one picture with those of its reference: a single value."""

    @torch.no_grad()
    def update(self, images: Tensor, references: Tensor, names: list[str] | None = None) -> None:
        """Add pairs.

        Args:
            images: Pictures ``(batch, 3, height, width)`` in [0, 1].
            references: What they are compared with ``(batch, 3, height, width)``.
            names: Names of the references; one that was seen lately is not looked at again.
        """
        for index, reference in enumerate(self.cache.of_each(references, names, self.features)):
            features = self.features(images[index : index + 1])
            self.total += self.distance(features, reference).sum()
        self.count += len(images)

    def compute(self) -> Tensor:
        """Return the mean over all pairs seen so far, on every process."""
        return (self.total / self.count).float()

    def reset(self) -> None:
        """Forget all pairs and features."""
        self.cache.clear()
        super().reset()
