"""Label maps: pictures whose pixels are class numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from lightning_face.errors import DataError

__all__ = [
    "UNKNOWN",
    "check_labels",
    "class_table",
    "label_tensor",
    "one_hot_masks",
    "read_label_map",
    "side_exchange",
]

UNKNOWN = 255
"""Value of a pixel of unknown class in the files of most data sets."""

_READ_ERRORS = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)
_WIDE_MODES = ("I", "I;16", "I;16B", "F")


def read_label_map(path: Path) -> Image.Image:
    """Read a label map; a palette is only how it looks, the numbers are what counts.

    Args:
        path: Picture with one channel of 8 bits, grey or with a palette.

    Returns:
        The class numbers as a picture in mode ``L``.

    Raises:
        DataError: If the file is missing, empty, truncated or no label map.
    """
    try:
        with Image.open(path) as image:
            image.load()
    except FileNotFoundError as error:
        raise DataError(f"label map {path} does not exist") from error
    except _READ_ERRORS as error:
        raise DataError(f"label map {path} cannot be read: {_reason(path, error)}") from error
    if image.mode in _WIDE_MODES:
        raise DataError(
            f"{path} has 16 bits or more a pixel, like an instance map; the networks take no "
            "instances: give the label map, one channel of 8 bits"
        )
    if image.mode not in ("L", "P"):
        raise DataError(
            f"{path} is a picture in mode {image.mode}, not a label map: one channel of 8 bits "
            "whose values are class numbers is needed"
        )
    return Image.fromarray(np.asarray(image))


def class_table(num_labels: int, shifted: bool = False) -> Tensor:
    """Return the class of every value that a pixel of a label map can have.

    Args:
        num_labels: Number of known classes; pixels of 255 are of the class that follows them.
        shifted: Classes begin at 1 in the files, and 0 is unknown like 255.

    Returns:
        Class of every value, ``torch.uint8`` ``(256,)``.
    """
    table = torch.arange(256, dtype=torch.uint8)
    if shifted:
        table[1:] = table[:-1].clone()
        table[0] = num_labels
    table[UNKNOWN] = num_labels
    return table


def label_tensor(label: Image.Image, table: Tensor) -> Tensor:
    """Turn a label map into a tensor.

    Args:
        label: Values in mode ``L``.
        table: Class of every value, see :func:`class_table`.

    Returns:
        Classes, ``torch.uint8`` ``(1, height, width)``.
    """
    values = torch.from_numpy(np.array(label))
    return table[values.long()].unsqueeze(0)


def check_labels(labels: Tensor, num_classes: int, path: Path | str) -> None:
    """Refuse class numbers that no class has.

    Args:
        labels: Class numbers, any shape.
        num_classes: Number of classes.
        path: File they come from, for the message.

    Raises:
        DataError: If a label is ``num_classes`` or more.
    """
    highest = int(labels.max())
    if highest >= num_classes:
        raise DataError(
            f"{path} has the label {highest}, but there are {num_classes} classes (0 to "
            f"{num_classes - 1}): the file belongs to another data set or is a colour picture"
        )


def one_hot_masks(labels: Tensor, num_classes: int) -> Tensor:
    """Turn label maps into one mask per class, on the device the labels are on.

    Args:
        labels: Integer class numbers ``(batch, 1, height, width)`` in 0..num_classes - 1; a pixel
            with another number belongs to no mask.
        num_classes: Number of classes.

    Returns:
        Masks of 0 and 1, float32 ``(batch, num_classes, height, width)``.

    Raises:
        ValueError: If ``labels`` has another shape.
    """
    if labels.dim() != 4 or labels.shape[1] != 1:
        msg = f"expected labels (batch, 1, height, width), got {tuple(labels.shape)}"
        raise ValueError(msg)
    classes = torch.arange(num_classes, device=labels.device, dtype=labels.dtype)
    return (labels == classes.view(1, -1, 1, 1)).float()


def side_exchange(pairs: Sequence[tuple[int, int]]) -> Tensor:
    """Return the table that exchanges left and right classes of a mirrored label map.

    Args:
        pairs: Classes that change places.

    Returns:
        New class of every old one, ``torch.uint8`` ``(256,)``; use as ``table[labels.long()]``.
    """
    table = torch.arange(256, dtype=torch.uint8)
    for left, right in pairs:
        table[left], table[right] = right, left
    return table


def _reason(path: Path, error: BaseException) -> str:
    if path.is_file() and path.stat().st_size == 0:
        return "the file is empty"
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    return " ".join(str(error).split())
