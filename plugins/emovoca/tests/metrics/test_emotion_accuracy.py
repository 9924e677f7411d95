"""Emotions read off faces."""

from __future__ import annotations

import math

import pytest
import torch

from lightning_face_emovoca.metrics import EmotionAccuracy

NEUTRAL = torch.randn(68, 3, generator=torch.Generator().manual_seed(0))


def face(emotion, intensity, seed=0):
    """A face that speaks with an expression of its own direction for each emotion."""
    speech = 0.05 * torch.randn(40, 68, 3, generator=torch.Generator().manual_seed(seed))
    expression = torch.zeros(68, 3)
    expression[10 * emotion] = float(intensity)
    return NEUTRAL + speech + expression


def test_faces_that_show_what_they_should():
    metric = EmotionAccuracy()
    for emotion in range(3):
        for intensity in (1, 2, 3):
            pred, target = face(emotion, intensity, 1), face(emotion, intensity, 2)
            metric.update(pred, target, NEUTRAL, emotion, intensity)
    assert {k: v.item() for k, v in metric.compute().items()} == {
        "emotion": 1.0,
        "intensity": 1.0,
        "both": 1.0,
    }


def test_an_expression_too_weak_is_of_the_right_emotion_and_the_wrong_intensity():
    metric = EmotionAccuracy()
    for emotion in range(2):
        for intensity in (1, 3):
            pred, target = face(emotion, 1, 1), face(emotion, intensity, 2)
            metric.update(pred, target, NEUTRAL, emotion, intensity)
    found = {k: v.item() for k, v in metric.compute().items()}
    assert found == {"emotion": 1.0, "intensity": 0.5, "both": 0.5}


def test_swapped_emotions_are_wrong():
    metric = EmotionAccuracy()
    for emotion in range(2):
        metric.update(face(1 - emotion, 2, 1), face(emotion, 2, 2), NEUTRAL, emotion, 2)
    assert metric.compute()["emotion"] == 0


@pytest.mark.filterwarnings("ignore:The ``compute`` method of metric:UserWarning")
def test_nothing_is_known_before_the_first():
    assert all(math.isnan(value) for value in EmotionAccuracy().compute().values())
