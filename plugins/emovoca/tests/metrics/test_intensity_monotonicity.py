"""Stronger intensities that show more."""

from __future__ import annotations

import pytest
import torch

from lightning_face_emovoca.metrics import IntensityMonotonicity


def add(metric, group, sizes):
    """Add an expression of these sizes at intensities 1, 2, 3, ..., the last one first."""
    for intensity, size in reversed(list(enumerate(sizes, 1))):
        displacement = torch.zeros(4, 5, 3)
        displacement[:, 2, 0] = size
        metric.update(group, intensity, displacement)


@pytest.mark.parametrize(
    ("sizes", "expected"), [((1, 2, 3), 1.0), ((1, 1, 3), 0.0), ((3, 2, 4), 0.0)]
)
def test_an_expression_grows_or_does_not(sizes, expected):
    metric = IntensityMonotonicity()
    add(metric, 0, sizes)
    assert metric.compute() == expected


def test_the_share_of_all_expressions():
    metric = IntensityMonotonicity()
    for group, sizes in enumerate([(1, 2, 3), (2, 1, 3), (1, 5), (1, 9)]):
        add(metric, group, sizes)
    # what another process has seen as well
    add(metric, 1, (2, 1, 3))
    # what came in one intensity only
    add(metric, 7, (4,))
    assert metric.compute() == pytest.approx(0.75)
