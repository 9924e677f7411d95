from __future__ import annotations

import pytest

from lightning_face.errors import ConfigError
from lightning_face_sis.data.celebamask_classes import CLASS_NAMES
from lightning_face_sis.editing import base_classes, select_classes


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (["hair"], [13]),
        (["eyes"], [4, 5]),
        (["hair,eyes"], [4, 5, 13]),
        (["hair", "13", "l_eye"], [4, 13]),
        # a group of this name has the nose as well, but the class goes first
        (["skin"], [1]),
        (["all"], list(range(19))),
        ([], []),
    ],
)
def test_classes_are_named_grouped_or_numbered(words, numbers):
    assert select_classes(words, CLASS_NAMES) == numbers


def test_other_data_sets_have_no_groups_of_faces():
    names = [f"class {number}" for number in range(30)]
    assert select_classes(["7", "class 3"], names) == [3, 7]
    with pytest.raises(ConfigError, match=r"'eyes' is no class; there are numbers 0 to 29"):
        select_classes(["eyes"], names)


@pytest.mark.parametrize("word", ["beard", "19", "-1", ""])
def test_what_is_no_class_is_named_with_what_there_is(word):
    with pytest.raises(ConfigError, match=r"--take: .* is no class; .*hair.*groups .*eyes"):
        select_classes([word], CLASS_NAMES, "--take")


def test_faces_have_classes_below_their_parts():
    assert base_classes(CLASS_NAMES) == [0, 1, 17, 18]
    assert base_classes(["road", "sky"]) is None
