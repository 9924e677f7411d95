from __future__ import annotations

from lightning_face_eventvit.data.action_units import ACTION_UNITS
from lightning_face_eventvit.modules.class_names import (
    class_groups,
    default_class_names,
    described,
)


def test_only_the_number_of_the_action_units_has_names():
    assert default_class_names(24) == list(ACTION_UNITS)
    assert default_class_names(2) == ["class_0", "class_1"]


def test_groups_are_those_of_action_units_alone():
    assert class_groups(["AU_43", "AU_1", "AU_2", "AU_56"]) == [4, 0, 0, 5]
    assert class_groups(["AU_1", "AU_FREE"]) is None
    assert class_groups(["class_0"]) is None


def test_action_units_are_described():
    assert described("AU_12") == "AU_12 lip corner puller"
    assert described("class_0") == "class_0"
