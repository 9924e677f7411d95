"""The rows of the classification table."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torchmetrics import MeanMetric
from torchmetrics.classification import (
    MulticlassAccuracy,
    MulticlassCalibrationError,
    MulticlassConfusionMatrix,
)

from lightning_face_eventvit.metrics.batchwise import BatchwiseClassification
from lightning_face_eventvit.metrics.user_bootstrap import UserBootstrap

__all__ = ["ClassificationMetrics", "balanced_accuracy", "macro_f1", "recalls"]


class ClassificationMetrics(nn.Module):
    """Accuracy and what qualifies it, over clips of people who were not trained on.

    All states are those of torchmetrics and are reduced over processes.

    Args:
        class_names: Names of the classes in label order.
        groups: Number of the group that each class belongs to; None leaves out the row of groups.
        num_scores: Scores of a clip where there are more than classes; the others are wrong.
    """

    def __init__(
        self,
        class_names: Sequence[str],
        groups: Sequence[int] | None = None,
        num_scores: int | None = None,
    ) -> None:
        super().__init__()
        self.class_names = list(class_names)
        self.groups = None if groups is None else torch.tensor(list(groups))
        scores = len(self.class_names) if num_scores is None else num_scores
        self.loss = MeanMetric()
        self.confusion = MulticlassConfusionMatrix(scores)
        self.top3 = MulticlassAccuracy(scores, top_k=min(3, scores), average="micro")
        self.calibration = MulticlassCalibrationError(scores)
        self.interval = UserBootstrap()
        self.published = BatchwiseClassification(len(self.class_names))

    def update(self, logits: Tensor, labels: Tensor, users: Sequence[str]) -> None:
        """Add clips.

        Args:
            logits: Class scores ``(batch, scores)``.
            labels: Class of each clip ``(batch,)``.
            users: Name of the person in each clip.
        """
        logits = logits.detach().float()
        self.loss.update(cross_entropy(logits, labels, reduction="none"))
        self.confusion.update(logits, labels)
        self.top3.update(logits, labels)
        self.calibration.update(logits.softmax(dim=-1), labels)
        self.interval.update(logits, labels, users)
        self.published.update(logits, labels)

    def compute(self) -> dict[str, Tensor]:
        """Return the rows, each a scalar; recalls only of the classes that were tested."""
        scores = self.confusion.compute()
        low, high = self.interval.compute()
        published = self.published.compute()
        rows = {
            "accuracy": scores.trace() / scores.sum(),
            "accuracy_low": low,
            "accuracy_high": high,
            "cross_entropy": self.loss.compute(),
            "accuracy_published": published["accuracy"].float(),
            "cross_entropy_published": published["loss"].float(),
            "balanced_accuracy": balanced_accuracy(scores),
            "macro_f1": macro_f1(scores),
            "top3_accuracy": self.top3.compute(),
        }
        if self.groups is not None:
            rows["group_accuracy"] = self._group_accuracy(scores)
        rows["calibration_error"] = self.calibration.compute()
        by_class = zip(self.class_names, recalls(scores), strict=False)
        rows |= {f"recall_{name}": value for name, value in by_class if not value.isnan()}
        return rows

    def confusion_matrix(self) -> Tensor:
        """Return counts of clips, rows true and columns predicted, ``(classes, classes)``."""
        count = len(self.class_names)
        matrix: Tensor = self.confusion.compute()
        return matrix[:count, :count]

    def reset(self) -> None:
        """Forget all clips."""
        for metric in self.children():
            metric.reset()  # type: ignore[operator]

    def _group_accuracy(self, confusion: Tensor) -> Tensor:
        """Part of the clips whose prediction is at least in the right group of actions."""
        assert self.groups is not None  # noqa: S101
        groups = self.groups.to(confusion.device)
        count = len(groups)
        same = groups[:, None] == groups[None, :]
        return (confusion[:count, :count] * same).sum() / confusion.sum()


def recalls(confusion: Tensor) -> Tensor:
    """Give the part of each class that was found, nan where the class was not tested.

    Args:
        confusion: Counts, rows true and columns predicted, ``(classes, classes)``.

    Returns:
        Recalls ``(classes,)``.
    """
    return confusion.diagonal() / confusion.sum(dim=1)


def balanced_accuracy(confusion: Tensor) -> Tensor:
    """Give the mean recall over the classes that were tested, a scalar.

    Args:
        confusion: Counts, rows true and columns predicted, ``(classes, classes)``.
    """
    return recalls(confusion).nanmean()


def macro_f1(confusion: Tensor) -> Tensor:
    """Give the mean F1 score over the classes that were tested or predicted, a scalar.

    Args:
        confusion: Counts, rows true and columns predicted, ``(classes, classes)``.
    """
    total = confusion.sum(dim=0) + confusion.sum(dim=1)
    return (2 * confusion.diagonal() / total).nanmean()
