from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lightning_face_sis.data.celebamask_classes import CLASS_NAMES
from lightning_face_sis.demo.photo import Photo
from lightning_face_sis.demo.remarks import remarks
from lightning_face_sis.demo.synthesis import Edit, PartStyle
from lightning_face_sis.demo.words import class_titles

TITLES = class_titles(CLASS_NAMES)
SKIN, GLASSES, HAIR, HAT = 1, 3, 13, 14


def photo(*classes):
    return Photo(Image.new("RGB", (1, 1)), np.array([classes], np.uint8))


def painted(*classes):
    return np.array([classes], np.uint8)


def taken(number, source="reference"):
    return (PartStyle((number,), source),)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (Edit(photo(SKIN, HAIR), painted(SKIN, HAIR)), []),
        (Edit(photo(SKIN, HAIR), painted(SKIN, HAIR), photo(HAIR), taken(HAIR)), []),
        (Edit(photo(SKIN, HAIR), painted(SKIN, HAIR), photo(SKIN), taken(HAIR)), ["shows no hair"]),
        (Edit(photo(SKIN), painted(SKIN, HAT), photo(SKIN)), ["picture shows no hat"]),
        (Edit(photo(SKIN), painted(SKIN, HAT), photo(HAT), taken(HAT)), []),
        (Edit(photo(SKIN), painted(SKIN, HAT), photo(HAT)), ["picture shows no hat"]),
        (Edit(photo(SKIN), painted(HAT, GLASSES), photo(SKIN), taken(HAT)), ["no glasses, hat"]),
        (Edit(photo(SKIN), painted(SKIN, HAT), parts=taken(HAT, "chance")), []),
        (Edit(photo(SKIN, HAT), painted(SKIN), photo(SKIN), taken(HAT)), []),
    ],
)
def test_only_what_cannot_look_as_asked_is_said(edit, said):
    found = remarks(edit, TITLES)
    assert len(found) == len(said)
    assert all(part in sentence for part, sentence in zip(said, found, strict=True))
