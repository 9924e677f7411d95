"""How well the layout of generated pictures follows the masks they were made from."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.functional.classification import multiclass_confusion_matrix

__all__ = ["SegmentationQuality", "class_iou", "mean_iou", "pixel_accuracy"]


def class_iou(confusion: Tensor) -> Tensor:
    """Compute the intersection over union of each class.

    Args:
        confusion: Counts of pixels ``(classes, classes)``, by wanted and by found class.

    Returns:
        Values in [0, 1] ``(classes,)``, float64; -1 for classes neither wanted nor found.
    """
    confusion = confusion.double()
    intersection = confusion.diagonal()
    union = confusion.sum(dim=0) + confusion.sum(dim=1) - intersection
    return torch.where(union > 0, intersection / union, -1.0)


def mean_iou(confusion: Tensor) -> Tensor:
    """Average the intersection over union of the classes that are wanted or found.

    Args:
        confusion: Counts of pixels ``(classes, classes)``, by wanted and by found class.

    Returns:
        A float64 scalar in [0, 1]; nan without pixels.

    Source:
        Long et al., "Fully Convolutional Networks for Semantic Segmentation", section 5.
    """
    values = class_iou(confusion)
    return values[values >= 0].mean()


def pixel_accuracy(confusion: Tensor) -> Tensor:
    """Compute the share of pixels whose class is the wanted one.

    Args:
        confusion: Counts of pixels ``(classes, classes)``, by wanted and by found class.

    Returns:
        A float64 scalar in [0, 1]; nan without pixels.
    """
    confusion = confusion.double()
    return confusion.trace() / confusion.sum()


class SegmentationQuality(Metric):
    """Mean intersection over union and pixel accuracy, from one count over all pictures.

    Args:
        num_classes: Number of classes.
        parser: Maps pictures ``(batch, 3, height, width)`` in [-1, 1] to label maps
            ``(batch, 1, height, width)``; without one, `update` takes label maps.
        ignored_label: Label of wanted pixels that do not count.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    confusion: Tensor

    def __init__(
        self, num_classes: int, parser: nn.Module | None = None, ignored_label: int | None = None
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.parser = parser
        self.ignored_label = ignored_label
        counts = torch.zeros(num_classes, num_classes, dtype=torch.int64)
        self.add_state("confusion", default=counts, dist_reduce_fx="sum")

    @torch.no_grad()
    def update(self, images: Tensor, labels: Tensor) -> None:
        """Add pictures.

        Args:
            images: Synthesised pictures, or the label maps found in them.
            labels: Label maps they were made from ``(batch, 1, height, width)``.
        """
        found = images if self.parser is None else self.parser(images)
        self.confusion += multiclass_confusion_matrix(
            found.long(), labels.long(), self.num_classes, ignore_index=self.ignored_label
        )

    def compute(self) -> dict[str, Tensor]:
        """Return ``mIoU`` and ``accuracy`` of all pictures seen so far, on every process."""
        return {"mIoU": mean_iou(self.confusion), "accuracy": pixel_accuracy(self.confusion)}
