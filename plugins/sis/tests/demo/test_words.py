from __future__ import annotations

from lightning_face_sis.data.celebamask_classes import CLASS_NAMES
from lightning_face_sis.demo.words import class_titles, part_groups


def test_every_class_of_faces_has_a_title_in_words():
    titles = class_titles(CLASS_NAMES)
    assert len(set(titles)) == len(CLASS_NAMES)
    assert not any("_" in title for title in titles)


def test_parts_are_groups_of_classes():
    groups = part_groups(CLASS_NAMES)
    assert [CLASS_NAMES[number] for number in groups["eyes"]] == ["l_eye", "r_eye"]
    assert next(iter(groups)) == "hair"


def test_other_data_sets_have_no_parts():
    names = ["class 0", "class 1"]
    assert part_groups(names) == {}
    assert class_titles(names) == names
