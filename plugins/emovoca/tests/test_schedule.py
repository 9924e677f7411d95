import json

import numpy as np
import pytest
import torch

from lightning_face.errors import ConfigError, DataError
from lightning_face_emovoca.schedule import (
    EmotionTrack,
    intensity_weights,
    parse_emotions,
    read_track,
    sawtooth,
)

HAPPY, SAD, NEUTRAL = 4, 3, 11


@pytest.mark.parametrize(
    ("intensity", "weights"),
    [
        (1, [1, 0, 0]),
        (2, [0, 1, 0]),
        (3, [0, 0, 1]),
        (1.25, [0.75, 0.25, 0]),
        (2.5, [0, 0.5, 0.5]),
        (0.5, [0.5, 0, 0]),
        (0, [0, 0, 0]),
        (4.5, [0, 0, 1.5]),
    ],
)
def test_an_intensity_is_shared_by_its_neighbours(intensity, weights):
    np.testing.assert_allclose(intensity_weights(intensity, 3), weights)
    np.testing.assert_allclose(intensity_weights([intensity] * 2, 3), [weights] * 2)


def test_a_sawtooth_reaches_both_ends_of_each_period():
    found = sawtooth(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0]), 11, period=5)
    assert found[[0, 5, 10]].tolist() == [[1, 0]] * 3
    assert found[[4, 9]].tolist() == [[0, 2]] * 2
    assert found[2].tolist() == [0.5, 1.0]


def test_a_sawtooth_of_one_frame_stays():
    assert sawtooth(torch.zeros(2), torch.ones(2), 3, period=1).tolist() == [[0, 0]] * 3
    with pytest.raises(ConfigError, match="period"):
        sawtooth(torch.zeros(2), torch.ones(2), 3, period=0)


def test_a_constant_track_is_one_hot():
    emotion, intensity = EmotionTrack.constant({"happy": 1.0}, 2, 4).conditions(11, 3)
    assert emotion.shape == (4, 11)
    assert emotion.argmax(1).tolist() == [HAPPY] * 4
    assert emotion.sum(1).tolist() == [1.0] * 4
    assert intensity.tolist() == [[0, 1, 0]] * 4


def test_a_blend_is_divided_by_its_weights():
    emotions = parse_emotions(["Happy:3", "Sad"])
    emotion, _ = EmotionTrack.constant(emotions, 1, 1).conditions(11, 3)
    assert emotion[0, [HAPPY, SAD]].tolist() == [0.75, 0.25]


def test_words_for_one_emotion_add_up():
    emotion, _ = EmotionTrack.constant(parse_emotions(["joy", "Smile2"]), 1, 1).conditions(11, 3)
    assert emotion[0, HAPPY] == 1


def test_only_some_networks_know_neutral():
    track = EmotionTrack.constant({"neutral": 1.0}, 1, 2)
    assert track.conditions(12, 3)[0].argmax(1).tolist() == [NEUTRAL] * 2
    with pytest.raises(ConfigError, match="without Neutral"):
        track.conditions(11, 3)


@pytest.mark.parametrize(
    "words",
    [
        ["Happy:"],
        ["Happy:x"],
        ["Happy:0"],
        ["Happy:-1"],
        ["Happy:inf"],
        ["Joyful?"],
        ["Sad", "Sad:2"],
        [],
    ],
)
def test_wrong_emotions_are_refused(words):
    with pytest.raises(ConfigError):
        parse_emotions(words)


def track(path, content, frames=5, fps=2.0):
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text)
    return read_track(path, frames, fps, {"Sad": 1.0}, 3.0)


def test_keys_are_interpolated_and_hold_at_the_end(tmp_path):
    rows = [
        {"time": 0.5, "emotion": "Happy", "intensity": 1},
        {"time": 1.5, "emotion": {"Happy": 1, "Sad": 1}, "intensity": 3},
    ]
    found = track(tmp_path / "a.json", rows)
    assert found.intensity.tolist() == [1, 1, 2, 3, 3]
    assert found.emotions[:, HAPPY].tolist() == [1, 1, 0.75, 0.5, 0.5]
    assert found.emotions.sum(axis=1).tolist() == [1] * 5


def test_a_table_of_frames_is_taken_row_by_row(tmp_path):
    found = track(tmp_path / "a.csv", "Intensity\n1\n3\n2\n1\n2\n")
    assert found.intensity.tolist() == [1, 3, 2, 1, 2]
    assert (found.emotions[:, SAD] == 1).all()


def test_json_and_csv_say_the_same(tmp_path):
    text = "frame,emotion,intensity\n0,Happy:0.7 Sad:0.3,1\n4,angry,2.5\n"
    rows = [
        {"frame": 0, "emotion": {"Happy": 0.7, "Sad": 0.3}, "intensity": 1},
        {"frame": 4, "emotion": "Irritated1", "intensity": 2.5},
    ]
    first, second = track(tmp_path / "a.csv", text), track(tmp_path / "a.json", rows)
    np.testing.assert_allclose(first.emotions, second.emotions)
    np.testing.assert_allclose(first.intensity, second.intensity)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "no rows"),
        ("a.csv", "time,emotion\n", "no rows"),
        ("a.csv", "time,mood\n0,Happy\n", "columns time, mood"),
        ("a.csv", "time,frame\n0,0\n", "columns time, frame"),
        ("a.csv", "time,emotion\n0,Happy\n0,Sad\n", "row 2 is not later"),
        ("a.csv", "time,emotion\n0,Happy\n1\n", "row 2: no emotion"),
        ("a.csv", "time,emotion\n0,Gleeful\n", "row 1: no emotion 'Gleeful'"),
        ("a.csv", "intensity\n-1\n", "row 1: an intensity"),
        ("a.csv", "intensity\nhigh\n", "row 1: .*high"),
        ("a.csv", "time\n-1\n", "row 1: a moment"),
        ("a.csv", "time,intensity\n0,1,2\n", "row 1 has other columns|columns"),
        ("a.json", "[", "damaged"),
        ("a.json", "{}", "no rows"),
        ("a.json", '[{"time": 0}, {"frame": 1}]', "row 2 has other columns"),
        ("a.json", '[{"emotion": 7.5}]', "row 1: an emotion is"),
        ("a.json", '[{"emotion": {"Happy": 0}}]', "row 1: no emotion"),
        ("a.json", '[{"emotion": {"Happy": null}}]', "row 1"),
        ("a.txt", "", r"\.csv or a \.json"),
    ],
)
def test_a_wrong_table_is_refused_with_its_row(name, content, message, tmp_path):
    with pytest.raises(DataError, match=message) as caught:
        track(tmp_path / name, content)
    assert name in str(caught.value)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv is missing"):
        read_track(tmp_path / "none.csv", 3, 60.0, {"Sad": 1.0}, 1.0)
