"""One label map of the many part masks of CelebAMask-HQ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lightning_face_sis.data.celebamask_classes import PART_NAMES

__all__ = ["merge_part_masks"]


def merge_part_masks(
    masks: Mapping[str, NDArray[np.uint8]],
    part_names: Sequence[str] = PART_NAMES,
) -> NDArray[np.uint8]:
    """Paint part masks over each other.

    Args:
        masks: First channel ``(height, width)`` of each mask file there is, under the name of its
            part; the part is where it is not zero. There must be one.
        part_names: Parts in the order of painting, the first of class 1.

    Returns:
        Class numbers ``(height, width)``; 0 where there is no part.

    Raises:
        ValueError: If there is no mask, one is of an unknown part, or their shapes differ.

    Source:
        Lee et al., "MaskGAN: Towards Diverse and Interactive Facial Image Manipulation",
        CelebAMask-HQ, and the order of the published preprocessing.
    """
    unknown = sorted(set(masks) - set(part_names))
    if unknown:
        msg = f"no part has the name {unknown[0]!r}"
        raise ValueError(msg)
    shapes = {mask.shape for mask in masks.values()}
    if len(shapes) != 1:
        msg = f"expected masks of one shape, got {sorted(shapes)}"
        raise ValueError(msg)
    labels = np.zeros(shapes.pop(), dtype=np.uint8)
    for label, part in enumerate(part_names, start=1):
        if part in masks:
            labels[masks[part] != 0] = label
    return labels
