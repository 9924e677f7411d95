"""Labels, duplicates and parts of a data set."""

from __future__ import annotations

import pytest

from lightning_face_emovoca.builder.store_format import StoredEmotion
from lightning_face_emovoca.data.emotions import EMOTIONS, NEUTRAL
from lightning_face_emovoca.verification.data_set import (
    MotionDigest,
    find_duplicates,
    find_shared_actors,
    find_wrong_labels,
)

SPLIT = {"train": ["anna", "bert"], "test": ["carl"]}


def stored(emotion, **changed):
    return StoredEmotion(
        **{"name": emotion.name, "file_name": emotion.file_name, "label": emotion.label} | changed
    )


def test_the_published_labels_are_right():
    axis = [stored(each) for each in (*EMOTIONS, NEUTRAL)]
    axis.append(StoredEmotion("Bittersweet", "Bittersweet", None, {"Sad": 0.5, "Happy": 0.5}))
    assert find_wrong_labels(axis) == []


@pytest.mark.parametrize(
    ("axis", "words"),
    [
        ([stored(EMOTIONS[1]), stored(EMOTIONS[0])], "number 0 comes after that with the number 1"),
        ([stored(EMOTIONS[3], label=4)], "has the number 4, which is Happy (Smile2)"),
        ([stored(EMOTIONS[3], label=77)], "has the number 77, which is none"),
        ([stored(EMOTIONS[2]), stored(EMOTIONS[2])], "number 2 comes after that with the number 2"),
    ],
)
def test_wrong_labels(axis, words):
    found = find_wrong_labels(axis)
    assert len(found) == 1
    assert words in found[0].what


def test_an_actor_in_two_parts():
    found = find_shared_actors({"anna": "CH01"}, {"train": ["anna"], "test": ["anna"]})
    assert [str(each) for each in found] == [
        "split leakage: actor anna is in the parts train and test"
    ]


def test_expressions_of_one_identity_in_two_parts():
    found = find_shared_actors({"anna": "CH01", "bert": "CH01", "carl": "CH02"}, SPLIT)
    assert found == []
    found = find_shared_actors({"anna": "CH01", "carl": "CH01"}, SPLIT)
    assert "lends its expressions to anna (train) and carl (test)" in str(found[0])


def test_the_same_motion_twice():
    motions = [
        MotionDigest("motion/anna/s1 [Sad, 1]", "anna", "a"),
        MotionDigest("motion/anna/s1 [Sad, 2]", "anna", "b"),
        MotionDigest("motion/bert/s1 [Sad, 1]", "bert", "a"),
        MotionDigest("motion/carl/s1 [Sad, 1]", "carl", "b"),
    ]
    found = find_duplicates(motions, SPLIT)
    assert [each.kind for each in found] == ["duplicate", "split leakage"]
    assert found[0].place == "motion/bert/s1 [Sad, 1]"
    assert found[1].what == (
        "is the same as motion/anna/s1 [Sad, 2] of the part train, itself of the part test"
    )
