"""Users of one part are in no other part."""

from __future__ import annotations

import json

import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face.testing.research_data import research_file
from lightning_face_eventvit.data.split import (
    UserSplit,
    fold_users,
    read_split,
    split_users,
    take_validation_users,
    write_split,
)
from lightning_face_eventvit.data.windows import INACTIVE, read_window_list

USERS = [f"{number * 2654435761 % 2**32:08x}" for number in range(23)]


def test_published_split_reverses_the_sorted_names():
    assert split_users(["c", "a", "e", "b", "d"]) == (["e", "d", "c", "b"], ["a"])


@pytest.mark.parametrize("count", [1, 2, 4, 5, 9, 57, 65])
def test_training_users_are_four_fifths_rounded_down(count):
    users = [f"{number:03}" for number in range(count)]
    train, test = split_users(users)
    assert len(train) == count * 4 // 5
    assert sorted(train + test) == users


@pytest.mark.parametrize("num_folds", [2, 5, 23])
def test_every_user_is_tested_in_one_fold(num_folds):
    folds = [fold_users(USERS, fold, num_folds) for fold in range(num_folds)]
    assert sorted(user for _, test in folds for user in test) == sorted(USERS)
    for train, test in folds:
        assert sorted(train + test) == sorted(USERS)
        assert abs(len(test) - len(USERS) / num_folds) < 1


@pytest.mark.parametrize(("fold", "num_folds"), [(5, 5), (-1, 5), (0, 24), (0, 1)])
def test_folds_that_cannot_be_are_refused(fold, num_folds):
    with pytest.raises(ConfigError, match=r"data\.(fold|num_folds)"):
        fold_users(USERS, fold, num_folds)


@pytest.mark.parametrize(("fraction", "count"), [(0, 0), (0.01, 1), (0.1, 2), (0.5, 12)])
def test_validation_users_leave_the_training_users(fraction, count):
    rest, validation = take_validation_users(USERS, fraction)
    assert len(validation) == count
    assert sorted(rest + validation) == sorted(USERS)
    assert rest == [user for user in USERS if user in rest]


def test_a_new_user_hardly_moves_the_validation_users():
    _, before = take_validation_users(USERS[:20], 0.2)
    _, after = take_validation_users(USERS[:21], 0.2)
    assert len(set(before) - set(after)) <= 1


def test_one_user_cannot_be_divided():
    with pytest.raises(DataError, match="1 training users cannot spare 1"):
        take_validation_users(["a"], 0.1)


def test_a_written_split_is_read_back(tmp_path):
    split = UserSplit(("d", "c"), ("b",), ("a",))
    write_split(tmp_path / "split.json", split)
    assert read_split(tmp_path / "split.json", ["a", "b", "c", "d", "new"]) == split


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not JSON"),
        ("[]", "is not JSON"),
        ('{"train": ["a"], "test": ["b"]}', "'validation'"),
        ('{"train": 3, "validation": [], "test": []}', "is not JSON"),
        (json.dumps({"train": ["a"], "validation": ["a"], "test": ["b"]}), "more than once: a"),
        (json.dumps({"train": ["x"], "validation": [], "test": ["b"]}), "not there: x"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, content, message):
    path = tmp_path / "split.json"
    path.write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        read_split(path, ["a", "b"])
    assert str(path) in str(caught.value)


def test_the_annotated_users_split_as_published():
    path = research_file("facemorphic/annotations_backup.json")
    if path is None:
        pytest.skip("needs annotations_backup.json of FACEMORPHIC")
    windows = read_window_list(path)
    users = {user for user, _, _ in windows}
    train, test = split_users(sorted(users))
    assert (len(windows), len(train), len(test)) == (2717, 45, 12)
    counts = [sum(key[0] in part for key in windows) for part in (train, test)]
    assert counts == [2144, 573]
    assert test[-1].startswith("00d38")
    assert test[0].startswith("2c76")
    assert [window for window in windows.values() if window == INACTIVE] == [INACTIVE]
    assert {number for _, _, number in windows} == {1, 2, 3, 4}
