"""Parts of the split."""

from __future__ import annotations

import pytest

from lightning_face.errors import ConfigError
from lightning_face_emovoca.data.splits import SPLIT, parts_of, read_split

OWN = {"train": ["a", "b"], "validation": ["c"], "test": ["d"]}


def test_published_split_is_the_default():
    assert read_split(None) is SPLIT
    assert [len(SPLIT[part]) for part in ("train", "validation", "test")] == [8, 2, 2]


def test_own_split_is_taken():
    assert read_split(OWN)["train"] == ("a", "b")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"test": []}, "no actor for test"),
        ({"test": ["a"]}, "the actor a more than once"),
        ({"dev": ["e"]}, "needs lists of actors"),
    ],
)
def test_wrong_splits_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        read_split({**OWN, **change})


@pytest.mark.parametrize(
    ("stage", "parts"),
    [
        ("fit", ("train", "validation")),
        ("validate", ("validation",)),
        ("test", ("test",)),
        ("predict", ("test",)),
    ],
)
def test_stages_read_their_parts(stage, parts):
    assert parts_of(stage) == parts
