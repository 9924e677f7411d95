"""Apertures of lips."""

from __future__ import annotations

import pytest
import torch

from lightning_face_emovoca.landmarks import INNER_LIPS
from lightning_face_emovoca.metrics import LipApertureCorrelation, lip_aperture


def mouths(openings):
    """Landmarks whose inner lips are apart by so much."""
    landmarks = torch.zeros(len(openings), 68, 3)
    for _, lower in INNER_LIPS:
        landmarks[:, lower, 1] = -torch.tensor(openings)
    return landmarks


def test_aperture_is_the_mean_distance_of_the_inner_lips():
    landmarks = mouths([0.0, 2.0])
    landmarks[1, 67, 1] = -5.0
    assert lip_aperture(landmarks).tolist() == [0.0, 3.0]


@pytest.mark.parametrize(
    ("pred", "expected"),
    [([1.0, 3.0, 5.0, 3.0], 1.0), ([5.0, 3.0, 1.0, 3.0], -1.0), ([2.0, 2.0, 2.0, 2.0], 0.0)],
)
def test_correlation_of_two_mouths(pred, expected):
    metric = LipApertureCorrelation()
    metric.update(mouths(pred), mouths([0.0, 1.0, 2.0, 1.0, 9.0]))
    assert metric.compute().item() == pytest.approx(expected)


def test_a_sentence_without_speech_says_nothing():
    metric = LipApertureCorrelation()
    metric.update(mouths([1.0, 2.0]), mouths([4.0, 4.0]))
    metric.update(mouths([1.0, 2.0]), mouths([3.0, 4.0]))
    assert metric.compute().item() == pytest.approx(1.0)
