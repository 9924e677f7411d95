"""Names of classes for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from lightning_face_eventvit.data.action_units import DESCRIPTIONS

__all__ = ["RankedClass", "readable_name", "top_classes"]


class RankedClass(NamedTuple):
    """One of the most probable classes.

    Attributes:
        name: Name of the class, such as ``AU_12``.
        probability: In 0..1.
    """

    name: str
    probability: float


def readable_name(name: str) -> str:
    """Say what a class is: ``AU_12`` becomes ``AU 12 lip corner puller``."""
    description = DESCRIPTIONS.get(name, "")
    number = name.removeprefix("AU_")
    if description and not number.isdigit():
        return description
    return f"{name.replace('_', ' ')} {description}".strip()


def top_classes(
    probabilities: ArrayLike, class_names: Sequence[str], count: int
) -> list[RankedClass]:
    """List the most probable classes, most probable first.

    Args:
        probabilities: Probability of each class ``(classes,)``.
        class_names: Their names.
        count: Number of classes to list; fewer where there are fewer.
    """
    values = np.asarray(probabilities, np.float64)
    best = np.argsort(-values, kind="stable")[:count]
    return [RankedClass(class_names[index], float(values[index])) for index in best]
