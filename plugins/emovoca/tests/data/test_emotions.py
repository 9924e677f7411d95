"""Names and numbers of emotions."""

from __future__ import annotations

import pytest

from lightning_face.errors import ConfigError
from lightning_face_emovoca.data.emotions import EMOTIONS, NEUTRAL, find_emotion, select_emotions

PUBLISHED = [
    *("Afraid", "Disgust", "Irritated1", "Sad1", "Smile2", "Drunk2"),
    *("Ill", "Moody", "Pleased", "Suspicious", "Upset"),
]


def test_numbers_are_the_published_ones():
    assert [emotion.file_name for emotion in EMOTIONS] == PUBLISHED
    assert [emotion.label for emotion in EMOTIONS] == list(range(11))
    assert NEUTRAL.label == 11


def test_no_two_emotions_share_a_word():
    words = [word for emotion in (*EMOTIONS, NEUTRAL) for word in emotion.words]
    assert len(words) == len(set(words))


@pytest.mark.parametrize(
    ("name", "label"),
    [("Smile2", 4), ("happy", 4), (" JOY ", 4), ("4", 4), (4, 4), ("Angry", 2), ("neutral", 11)],
)
def test_emotions_are_found_by_any_name(name, label):
    assert find_emotion(name).label == label


@pytest.mark.parametrize("name", ["Smile1", "Ittitated1", "", "12", -1])
def test_unknown_emotions_are_refused_with_the_known_ones(name):
    with pytest.raises(ConfigError, match=r"no emotion .*Happy \(Smile2\).*Upset"):
        find_emotion(name)


def test_selected_emotions_come_in_the_order_of_their_numbers():
    assert select_emotions(None) == EMOTIONS
    assert [each.label for each in select_emotions(["upset", "Sad", "0"])] == [0, 3, 10]


@pytest.mark.parametrize(("names", "message"), [([], "no emotion"), (["sad", "Sad1"], "twice")])
def test_empty_and_double_selections_are_refused(names, message):
    with pytest.raises(ConfigError, match=message):
        select_emotions(names)
