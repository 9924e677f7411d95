from __future__ import annotations

import numpy as np
import pytest

from lightning_face_sis.data.celebamask_classes import CLASS_NAMES, PART_NAMES
from lightning_face_sis.data.part_masks import merge_part_masks


def test_a_later_part_covers_an_earlier_one() -> None:
    rows = np.zeros((18, 4, 18), dtype=np.uint8)
    for label in range(18):
        rows[label, :, label:] = 255
    masks = dict(zip(PART_NAMES, rows, strict=True))
    backwards = dict(reversed(masks.items()))
    labels = merge_part_masks(backwards)
    assert labels[0].tolist() == list(range(1, 19))
    assert CLASS_NAMES[labels[0, 12]] == "hair"


def test_any_value_but_zero_counts_and_the_rest_is_background() -> None:
    hair = np.array([[0, 1, 225]], dtype=np.uint8)
    assert merge_part_masks({"hair": hair}).tolist() == [[0, 13, 13]]


def test_masks_that_cannot_be_merged_are_refused() -> None:
    mask = np.zeros((4, 4), dtype=np.uint8)
    with pytest.raises(ValueError, match="beard"):
        merge_part_masks({"beard": mask})
    with pytest.raises(ValueError, match="one shape"):
        merge_part_masks({"skin": mask, "hair": mask[:2]})
    with pytest.raises(ValueError, match="one shape"):
        merge_part_masks({})
