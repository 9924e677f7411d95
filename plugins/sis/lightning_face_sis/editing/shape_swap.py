"""Shapes of chosen classes taken from the mask of another image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from torch import Tensor
from torch.nn.functional import one_hot

__all__ = ["ShapeMode", "ShapeSwap", "swap_shapes"]

ShapeMode = Literal["raw", "recompose"]


class ShapeSwap(NamedTuple):
    """Masks after an exchange of shapes.

    Attributes:
        masks: The new masks ``(batch, classes, height, width)``, 0 or 1.
        exchanged: Which classes got the other shape, bool ``(batch, classes)``.
    """

    masks: Tensor
    exchanged: Tensor


def swap_shapes(
    masks: Tensor,
    other: Tensor,
    classes: Sequence[int],
    mode: ShapeMode = "raw",
    base_classes: Sequence[int] | None = None,
) -> ShapeSwap:
    """Replace the shapes of chosen classes by those in another mask.

    ``raw``, as published, exchanges whole channels of the classes that both masks have. What the
    old part covered and the new one does not, belongs to no class then, and where the new part
    reaches over others, pixels belong to two. ``recompose`` keeps every pixel in one class: old
    parts are taken away, what they covered goes to the nearest of the classes that lie below
    parts, and the new parts are painted over all. A part that only one of the masks has appears
    or disappears.

    Args:
        masks: One-hot masks ``(batch, classes, height, width)``.
        other: Masks to take shapes from, of the same shape.
        classes: Classes whose shapes are taken.
        mode: How parts are put into the mask.
        base_classes: Classes that lie below parts, such as background and skin; None takes any
            class that stays.

    Returns:
        The new masks, and which classes were exchanged in each of them.
    """
    present, present_other = (each.flatten(2).amax(dim=2) > 0 for each in (masks, other))
    chosen = torch.zeros_like(present)
    chosen[:, list(classes)] = True
    if mode == "raw":
        exchanged = chosen & present & present_other
        return ShapeSwap(torch.where(exchanged[..., None, None], other, masks), exchanged)
    own, donors = (each.argmax(dim=1).cpu().numpy() for each in (masks, other))
    labels = np.stack(
        [_recompose(*pair, list(classes), base_classes) for pair in zip(own, donors, strict=True)]
    )
    painted = one_hot(torch.from_numpy(labels), masks.shape[1]).movedim(3, 1)
    return ShapeSwap(painted.to(masks), chosen & (present | present_other))


def _recompose(
    labels: NDArray[np.int64],
    donor: NDArray[np.int64],
    classes: list[int],
    base_classes: Sequence[int] | None,
) -> NDArray[np.int64]:
    """Take the parts of a label map away and paint those of another one over what is left."""
    painted = _uncover(labels, np.isin(labels, classes), base_classes)
    parts = np.isin(donor, classes)
    painted[parts] = donor[parts]
    return painted


def _uncover(
    labels: NDArray[np.int64], removed: NDArray[np.bool_], base_classes: Sequence[int] | None
) -> NDArray[np.int64]:
    """Give the removed pixels to the nearest class below them."""
    below = ~removed
    if base_classes is not None and (below & np.isin(labels, base_classes)).any():
        below &= np.isin(labels, base_classes)
    if not below.any():
        return np.zeros_like(labels)
    rows, columns = distance_transform_edt(~below, return_distances=False, return_indices=True)
    return np.where(removed, labels[rows, columns], labels)
