"""Loss and accuracy as the published evaluation counts them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torchmetrics import Metric
from torchmetrics.functional.classification import multiclass_confusion_matrix
from torchmetrics.utilities import dim_zero_cat

__all__ = ["BatchwiseClassification"]


class BatchwiseClassification(Metric):
    """Means over batches of a fixed size, whatever the size of the batches that come in.

    Source: the published evaluation, which loads two clips at a time and leaves out the last
    batch where it is incomplete.

    Where several processes share the clips, theirs are lined up one process after the other, so
    that another clip may be the one that is left out.

    Args:
        num_classes: Number of classes; further scores count as wrong.
        batch_size: Clips in a batch.
        drop_last: Leave out the last batch where it is incomplete.
    """

    is_differentiable = False
    higher_is_better = None
    full_state_update = False

    losses: list[Tensor]
    predictions: list[Tensor]
    labels: list[Tensor]

    def __init__(
        self,
        num_classes: int,
        batch_size: int = 2,
        drop_last: bool = True,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.batch_size = batch_size
        self.drop_last = drop_last
        for name in ("losses", "predictions", "labels"):
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(self, logits: Tensor, labels: Tensor) -> None:
        """Add clips in the order of the evaluation.

        Args:
            logits: Class scores ``(batch, scores)``.
            labels: Class of each clip ``(batch,)``.
        """
        self.losses.append(cross_entropy(logits.double(), labels, reduction="none"))
        self.predictions.append(logits.argmax(dim=-1))
        self.labels.append(labels)

    def compute(self) -> dict[str, Tensor]:
        """Return what was counted.

        Returns:
            ``loss``, the mean over batches of the batch mean, and ``accuracy``, both float64 and
            nan where no batch was complete; ``confusion``, rows true and columns predicted, int64
            ``(classes, classes)``, without predictions that are no class.
        """
        losses, predictions, labels = (
            dim_zero_cat(state) for state in (self.losses, self.predictions, self.labels)
        )
        if self.drop_last:
            counted = len(losses) - len(losses) % self.batch_size
            losses, predictions, labels = losses[:counted], predictions[:counted], labels[:counted]
        means = [batch.mean() for batch in losses.split(self.batch_size) if len(batch)]
        known = predictions < self.num_classes
        return {
            "loss": torch.stack(means).mean() if means else losses.sum() / 0,
            "accuracy": (predictions == labels).double().mean(),
            "confusion": multiclass_confusion_matrix(
                predictions[known], labels[known], self.num_classes
            ),
        }
