"""How well pictures follow their masks, told by the colours of their own classes."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.functional.classification import multiclass_confusion_matrix

from lightning_face_sis.data.label_map import one_hot_masks
from lightning_face_sis.metrics.segmentation import mean_iou
from lightning_face_sis.modules.style_transfer_rows import class_colors

__all__ = ["ColorSegmentation", "color_distances", "labels_by_color"]


class ColorSegmentation(Metric):
    """Mean intersection over union of masks and the classes that the colours of pictures tell.

    Every pixel is given the class of the reference whose mean colour is nearest. It needs no
    weights, but is meant for drawn faces, whose classes have one colour each. Classes of like
    colours are confused also on perfect pictures: the value of the reference itself is the bound.

    Args:
        num_classes: Number of classes.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    confusion: Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        counts = torch.zeros(num_classes, num_classes, dtype=torch.int64)
        self.add_state("confusion", default=counts, dist_reduce_fx="sum")

    @torch.no_grad()
    def update(
        self, images: Tensor, labels: Tensor, references: Tensor, reference_labels: Tensor
    ) -> None:
        """Add pictures.

        Args:
            images: Pictures ``(batch, 3, height, width)``.
            labels: Label maps that they should follow ``(batch, 1, height, width)``.
            references: Pictures that gave the styles ``(batch, 3, height, width)``.
            reference_labels: Their label maps.
        """
        found = labels_by_color(images, references, reference_labels, self.num_classes)
        self.confusion += multiclass_confusion_matrix(found, labels.long(), self.num_classes)

    def compute(self) -> Tensor:
        """Return the mean over the classes that are wanted or found, in [0, 1]."""
        return mean_iou(self.confusion).float()


def labels_by_color(
    images: Tensor, references: Tensor, reference_labels: Tensor, num_classes: int
) -> Tensor:
    """Give every pixel the class of a reference whose mean colour is nearest.

    Args:
        images: Pictures ``(batch, 3, height, width)``.
        references: Pictures of the same range ``(batch, 3, height, width)``.
        reference_labels: Their label maps ``(batch, 1, height, width)``.
        num_classes: Number of classes.

    Returns:
        Labels ``(batch, 1, height, width)``, int64, of classes that the reference has.
    """
    colors, present = class_colors(references, one_hot_masks(reference_labels, num_classes))
    pixels = images.float().flatten(2).transpose(1, 2)
    distances = torch.cdist(pixels, colors).masked_fill(~present.unsqueeze(1), torch.inf)
    return distances.argmin(dim=2).view(len(images), 1, *images.shape[2:])


def color_distances(
    images: Tensor, labels: Tensor, references: Tensor, reference_labels: Tensor, num_classes: int
) -> Tensor:
    """Compare the mean colours of classes in pictures with those in others.

    Args:
        images: Pictures ``(batch, 3, height, width)``.
        labels: Their label maps ``(batch, 1, height, width)``.
        references: Other pictures of the same range.
        reference_labels: Their label maps.
        num_classes: Number of classes.

    Returns:
        Mean absolute differences, one for each class that a picture and its reference both have.
    """
    found, present = class_colors(images, one_hot_masks(labels, num_classes))
    wanted, given = class_colors(references, one_hot_masks(reference_labels, num_classes))
    return (found - wanted).abs().mean(dim=2)[present & given]
