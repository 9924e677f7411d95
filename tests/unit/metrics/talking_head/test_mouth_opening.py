"""Openings of the mouth."""

from __future__ import annotations

import pytest
import torch

from lightning_face.metrics.talking_head import (
    MouthOpening,
    compare_mouth_openings,
    mouth_opening,
)

UPPER, LOWER = torch.tensor([0, 1]), torch.tensor([2])


def mouths(openings):
    """Heads of three vertices whose mouths are open by so much."""
    vertices = torch.zeros(len(openings), 3, 3, dtype=torch.float64)
    vertices[:, 2, 1] = -torch.tensor(openings, dtype=torch.float64)
    return vertices


def test_opening_is_the_distance_of_the_lips_centres():
    assert mouth_opening(mouths([0.0, 2.0, 1.0]), UPPER, LOWER).tolist() == [0.0, 2.0, 1.0]


def test_differences_of_openings():
    pred, target = mouths([0.0, 1.0, 2.0, 9.0]), mouths([0.0, 2.0, 4.0])
    values = compare_mouth_openings(pred, target, UPPER, LOWER)
    assert {name: value.item() for name, value in values.items()} == pytest.approx(
        {"mean_abs": 1.0, "max_abs": 2.0, "velocity_abs": 1.0, "correlation": 1.0}
    )


@pytest.mark.parametrize("offset", [0.0, 0.1, 123.0])
def test_a_static_mouth_follows_nothing(offset):
    values = compare_mouth_openings(mouths([offset] * 3), mouths([0.0, 2.0, 4.0]), UPPER, LOWER)
    assert values["correlation"] == 0


def test_one_frame_has_an_opening_and_no_velocity():
    values = compare_mouth_openings(mouths([1.0]), mouths([3.0]), UPPER, LOWER)
    assert values["mean_abs"] == 2
    assert values["velocity_abs"] == 0


def test_the_metric_is_a_mean_over_sequences(noise):
    metric = MouthOpening()
    pairs = [(noise(5, 4, 3), noise(4, 4, 3, seed=1)), (noise(3, 4, 3), noise(6, 4, 3, seed=2))]
    for pair in pairs:
        metric.update(*pair, UPPER, LOWER)
    first, second = (compare_mouth_openings(*pair, UPPER, LOWER) for pair in pairs)
    expected = {name: (first[name] + second[name]).item() / 2 for name in first}
    actual = {name: value.item() for name, value in metric.compute().items()}
    assert actual == pytest.approx(expected, rel=1e-6)
