"""Classes, tasks and macro groups."""

from __future__ import annotations

import pytest

from lightning_face.errors import ConfigError
from lightning_face_eventvit.data.action_units import (
    ACTION_UNITS,
    DESCRIPTIONS,
    MACRO_GROUPS,
    TASKS,
    class_names,
    macro_group,
)


@pytest.mark.parametrize(
    ("task", "count", "first", "last"),
    [
        ("AU", 24, "AU_1", "AU_56"),
        ("AU_NOHEAD", 18, "AU_1", "AU_45"),
        ("AU_HEAD", 6, "AU_51", "AU_56"),
        ("FREE", 1, "AU_FREE", "AU_FREE"),
        ("READING", 1, "AU_READING", "AU_READING"),
        ("ALL", 26, "AU_1", "AU_READING"),
    ],
)
def test_tasks_list_classes_in_label_order(task, count, first, last):
    names = class_names(task)
    assert (len(names), names[0], names[-1]) == (count, first, last)
    assert tuple(names) == TASKS[task]
    assert set(names) <= set(DESCRIPTIONS)


def test_labels_follow_the_numbers_of_the_action_units():
    numbers = [int(name.removeprefix("AU_")) for name in ACTION_UNITS]
    assert numbers == sorted(numbers)
    assert numbers[:6] == [1, 2, 4, 6, 7, 9]


def test_macro_groups_hold_every_action_unit_once():
    members = [name for group in MACRO_GROUPS.values() for name in group]
    assert sorted(members) == sorted(ACTION_UNITS)
    labels = [macro_group(name) for name in ACTION_UNITS]
    assert labels == [0, 0, 0, 1, 0, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 5, 5, 5, 5, 5]


def test_speech_is_in_no_group():
    with pytest.raises(KeyError, match="AU_FREE"):
        macro_group("AU_FREE")


def test_classes_of_ones_own_keep_their_order():
    assert class_names("AU", ["AU_27", "AU_1"]) == ["AU_27", "AU_1"]


@pytest.mark.parametrize("classes", [["AU_3"], [], ["AU_1", "AU_1"]])
def test_wrong_classes_are_refused(classes):
    with pytest.raises(ConfigError, match=r"data\.classes"):
        class_names("AU", classes)


def test_unknown_task_is_refused():
    with pytest.raises(ConfigError, match="'EYES' is none of AU, AU_NOHEAD"):
        class_names("EYES")
