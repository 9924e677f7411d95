"""Random crops of training clips."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

__all__ = ["Crop", "random_crop"]

_AREA = (0.8, 1.0)
_ASPECT = (3 / 4, 4 / 3)
_ATTEMPTS = 10


class Crop(NamedTuple):
    """Part of a frame in pixels.

    Attributes:
        top: First row.
        left: First column.
        height: Rows.
        width: Columns.
    """

    top: int
    left: int
    height: int
    width: int


def random_crop(side: int, generator: torch.Generator) -> Crop:
    """Draw a crop of 80..100 % of a square with an aspect of 3:4..4:3, uniform in its logarithm.

    Args:
        side: Side of the square in pixels.
        generator: Source of the numbers.

    Returns:
        A crop that lies in the square; all of it if ten draws do not fit.

    Source:
        Recipe of the published training scripts.
    """
    low, high = (math.log(aspect) for aspect in _ASPECT)
    for _ in range(_ATTEMPTS):
        area = side * side * _uniform(*_AREA, generator)
        aspect = math.exp(_uniform(low, high, generator))
        width, height = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < width <= side and 0 < height <= side:
            top = int(torch.randint(side - height + 1, (), generator=generator))
            left = int(torch.randint(side - width + 1, (), generator=generator))
            return Crop(top, left, height, width)
    return Crop(0, 0, side, side)


def _uniform(low: float, high: float, generator: torch.Generator) -> float:
    return low + (high - low) * float(torch.rand((), generator=generator, dtype=torch.float64))
