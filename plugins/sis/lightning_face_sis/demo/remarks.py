"""What a visitor should know about a result."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lightning_face_sis.demo.photo import Labels
from lightning_face_sis.demo.synthesis import Edit

__all__ = ["remarks"]


def remarks(edit: Edit, titles: Sequence[str]) -> list[str]:
    """Name the classes that cannot look like what was asked for.

    Args:
        edit: What was made.
        titles: What the classes are called.

    Returns:
        One sentence for each kind of class.
    """
    painted, own = _present(edit.labels), _present(edit.photo.labels)
    taken = painted & set(edit.classes("reference"))
    given = own | (painted & set(edit.classes("chance")))
    sentences = []
    if edit.reference is not None:
        shown = _present(edit.reference.labels)
        given |= taken & shown
        lacking = taken & own - shown
        if lacking:
            sentences.append(f"The reference shows no {_names(lacking, titles)}.")
    unstyled = painted - given
    if unstyled:
        sentences.append(
            f"The picture shows no {_names(unstyled, titles)}: take the style from a reference "
            "that does."
        )
    return sentences


def _present(labels: Labels) -> set[int]:
    return {int(number) for number in np.unique(labels)}


def _names(numbers: set[int], titles: Sequence[str]) -> str:
    return ", ".join(titles[number] for number in sorted(numbers))
