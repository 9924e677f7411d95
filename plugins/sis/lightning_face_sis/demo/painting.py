"""Changes to a label map by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from lightning_face_sis.data.label_map import one_hot_masks
from lightning_face_sis.demo.photo import Labels
from lightning_face_sis.editing import base_classes, swap_shapes

__all__ = ["apply_strokes", "erase_class"]

_HALF_COVERED = 127


def apply_strokes(labels: Labels, strokes: NDArray[np.uint8], number: int) -> Labels:
    """Give the pixels under brush strokes to a class.

    Args:
        labels: Class numbers ``(height, width)``.
        strokes: Opacity of the strokes, 0 to 255, of any size; a pixel counts as painted where
            more than half of it is covered.
        number: Class to paint.

    Returns:
        The new label map.
    """
    height, width = labels.shape
    covered = Image.fromarray(strokes).resize((width, height), Image.Resampling.BOX)
    painted = np.asarray(covered) > _HALF_COVERED
    return np.where(painted, np.uint8(number), labels)


def erase_class(labels: Labels, number: int, class_names: Sequence[str]) -> Labels:
    """Take a class away; what it covered goes to the nearest class below it.

    Args:
        labels: Class numbers ``(height, width)``.
        number: Class to take away.
        class_names: Names of all classes; those of faces tell what lies below parts.

    Returns:
        The new label map.
    """
    masks = one_hot_masks(torch.from_numpy(labels)[None, None], len(class_names))
    # shapes are taken from a mask in which the class does not appear
    without = torch.zeros_like(masks)
    without[:, 1 if number == 0 else 0] = 1
    below = base_classes(class_names)
    if below is not None:
        below = [each for each in below if each != number]
    left = swap_shapes(masks, without, [number], "recompose", below).masks
    return left[0].argmax(dim=0).numpy().astype(np.uint8)
