"""Hausdorff distances between sets of points."""

from __future__ import annotations

import pytest
import torch

from lightning_face.metrics.talking_head import (
    HausdorffDistance,
    hausdorff_distance,
)


def test_hausdorff_is_the_largest_of_both_directions(noise):
    pred, target = noise(3, 5, 3), noise(3, 8, 3, seed=1)
    distances = torch.cdist(pred, target)
    expected = torch.maximum(distances.amin(dim=2).amax(dim=1), distances.amin(dim=1).amax(dim=1))
    torch.testing.assert_close(hausdorff_distance(pred, target), expected)


def test_padding_is_no_part_of_a_frame(noise):
    pred, target = noise(2, 5, 3) + 10, noise(2, 8, 3, seed=1) + 10
    frames = [target[0, :3], target[1]]
    padded = target.clone()
    padded[0, 3:] = 0
    expected = hausdorff_distance(pred, frames)
    torch.testing.assert_close(hausdorff_distance(pred, padded, torch.tensor([3, 8])), expected)
    assert not torch.allclose(hausdorff_distance(pred, padded), expected)


def test_the_metric_is_a_mean_over_frames(noise):
    parts = [(noise(3, 5, 3), noise(3, 8, 3, seed=1)), (noise(1, 4, 3), noise(1, 6, 3, seed=2))]
    metric = HausdorffDistance()
    for part in parts:
        metric.update(*part)
    expected = torch.cat([hausdorff_distance(*part) for part in parts]).mean()
    assert metric.compute().item() == pytest.approx(expected.item(), rel=1e-6)
