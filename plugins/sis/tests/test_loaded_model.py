"""Sizes and classes by their numbers; test_loading.py has those of a loaded generator."""

from __future__ import annotations

import pytest

from lightning_face_sis.data.celebamask_classes import CLASS_NAMES
from lightning_face_sis.loaded_model import LoadedModel, class_names_of


def loaded(count: int = 19, size: tuple[int, int] = (64, 64)) -> LoadedModel:
    model = LoadedModel()
    model.class_names, model.image_size = class_names_of(count), size
    return model


@pytest.mark.parametrize("count", [1, 18, 19, 20, 34, 151, 183])
def test_every_class_has_a_name_of_its_own(count):
    names = class_names_of(count)
    assert len(set(names)) == count
    assert (names == tuple(CLASS_NAMES)) is (count == 19)


@pytest.mark.parametrize(
    ("count", "labels", "unknown"),
    [(19, 19, False), (34, 34, False), (150, 150, False), (151, 150, True), (183, 182, True)],
)
def test_the_last_class_of_some_data_sets_is_the_unknown_one(count, labels, unknown):
    labelling = loaded(count).labelling
    assert (labelling.num_labels, labelling.has_unknown) == (labels, unknown)
    assert labelling.num_classes == count


@pytest.mark.parametrize(
    ("size", "multiple", "expected"),
    [
        ((256, 256), 64, (256, 256)),
        ((256, 512), 64, (256, 512)),
        ((48, 80), 64, (64, 128)),
        ((65, 1), 32, (96, 32)),
        ((63, 63), 1, (63, 63)),
    ],
)
def test_sides_are_rounded_up(size, multiple, expected):
    assert loaded(size=size).rounded_up(multiple) == expected
