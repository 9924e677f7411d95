"""Names of emotional sequences."""

from __future__ import annotations

from pathlib import Path

import pytest

from lightning_face.errors import DataError
from lightning_face_emovoca.data.variant_name import VariantName


@pytest.mark.parametrize(
    ("name", "label", "intensity"),
    [
        ("FaceTalk_170725_00137_TA_sentence01_Afraid_1", 0, 1),
        ("FaceTalk_170809_00138_TA_sentence40_Smile2_2", 4, 2),
        ("FaceTalk_170915_00223_TA_sentence07_Irritated1_3", 2, 3),
        ("anna_sentence22_Upset_1", 10, 1),
    ],
)
@pytest.mark.parametrize("suffix", ["", ".npy", ".wav"])
def test_names_are_taken_apart_and_put_together(name, label, intensity, suffix):
    found = VariantName.parse(Path("label") / f"{name}{suffix}")
    assert (found.label, found.intensity) == (label, intensity)
    assert str(found) == name
    assert found.talking == name.rsplit("_", 2)[0]
    assert found.actor == name.rsplit("_", 3)[0]


@pytest.mark.parametrize(
    "name",
    ["", "anna", "anna_s1_Happy_1", "anna_s1_Afraid_4", "anna_s1_Afraid", "s1_Afraid_1"],
)
def test_other_names_are_refused(name):
    with pytest.raises(DataError, match="is not named <actor>_<sentence>_<emotion>_<intensity>"):
        VariantName.parse(name)


def test_names_sort_by_actor_sentence_emotion_and_intensity():
    names = ["b_s1_Afraid_1", "a_s2_Afraid_1", "a_s1_Sad1_1", "a_s1_Afraid_3", "a_s1_Afraid_1"]
    assert sorted(map(VariantName.parse, names)) == list(map(VariantName.parse, reversed(names)))
