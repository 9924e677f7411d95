"""Label maps in the colours of their classes."""

from __future__ import annotations

from PIL import Image
from torch import Tensor

from lightning_face_sis.data.colors import colorize_labels, dataset_colors

__all__ = ["label_picture"]


def label_picture(labels: Tensor, num_classes: int) -> Image.Image:
    """Paint a label map in the colours of its data set.

    Args:
        labels: Class numbers of one image ``(1, height, width)``.
        num_classes: Number of classes, which tells the data set.

    Returns:
        The picture in mode ``RGB``.
    """
    painted = colorize_labels(labels.cpu().unsqueeze(0), dataset_colors(num_classes))
    return Image.fromarray(painted[0].permute(1, 2, 0).numpy())
