"""Velocities of the lips."""

from __future__ import annotations

import pytest
import torch

from lightning_face.metrics.talking_head import (
    LipVelocity,
    compare_lip_velocities,
)

LIPS = torch.tensor([2])


def lips(openings):
    """Heads of three vertices whose last one is so far below the others."""
    vertices = torch.zeros(len(openings), 3, 3, dtype=torch.float64)
    vertices[:, 2, 1] = -torch.tensor(openings, dtype=torch.float64)
    return vertices


def test_velocities_of_opposite_directions():
    pred, target = lips([0.0, 1.0, 2.0]), lips([3.0, 2.0, 1.0])
    values = compare_lip_velocities(pred, target, LIPS, fps=30)
    assert values["l2"].item() == pytest.approx(2.0)
    assert values["l2_per_second"].item() == pytest.approx(60.0)
    assert values["cosine"].item() == pytest.approx(2.0)


def test_one_frame_is_too_few_for_velocities():
    with pytest.raises(ValueError, match="two frames"):
        compare_lip_velocities(lips([1.0]), lips([1.0, 2.0]), LIPS, fps=30)


def test_the_metric_is_a_mean_over_sequences(noise):
    metric = LipVelocity()
    pairs = [(noise(5, 4, 3), noise(4, 4, 3, seed=1)), (noise(3, 4, 3), noise(6, 4, 3, seed=2))]
    for pair in pairs:
        metric.update(*pair, LIPS, 25)
    first, second = (compare_lip_velocities(*pair, LIPS, 25) for pair in pairs)
    expected = {name: (first[name] + second[name]).item() / 2 for name in first}
    actual = {name: value.item() for name, value in metric.compute().items()}
    assert actual == pytest.approx(expected, rel=1e-6)
