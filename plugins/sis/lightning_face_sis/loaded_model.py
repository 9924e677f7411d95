"""What the user of a network has to know of it, whatever its kind."""

from __future__ import annotations

import torch

from lightning_face_sis.data.celebamask_classes import CLASS_NAMES
from lightning_face_sis.data.dataset import Labelling

__all__ = ["LoadedModel", "class_names_of"]

# ADE20k and COCO-Stuff: pixels of no known class are the last class of the network
_WITH_UNKNOWN = (151, 183)


class LoadedModel:
    """Classes, size and place of a network that was read from a file.

    Attributes:
        class_names: Name of every class, in the order of their numbers.
        image_size: Height and width in pixels of the pictures it makes.
        device: Where its weights are.
    """

    class_names: tuple[str, ...]
    image_size: tuple[int, int]
    device: torch.device

    @property
    def labelling(self) -> Labelling:
        """What the values in label maps mean to it."""
        count = len(self.class_names)
        has_unknown = count in _WITH_UNKNOWN
        return Labelling(count - has_unknown, has_unknown)

    def rounded_up(self, multiple: int) -> tuple[int, int]:
        """Return the next size whose sides are multiples of a number.

        Args:
            multiple: The number.
        """
        height, width = (-(-side // multiple) * multiple for side in self.image_size)
        return height, width


def class_names_of(num_classes: int) -> tuple[str, ...]:
    """Name the classes of a network; only the number is known from a published file.

    Args:
        num_classes: Number of classes; 19 are those of CelebAMask-HQ.

    Returns:
        The names; for other numbers ``class 0``, ``class 1`` and so on.
    """
    if num_classes == len(CLASS_NAMES):
        return tuple(CLASS_NAMES)
    return tuple(f"class {index}" for index in range(num_classes))
