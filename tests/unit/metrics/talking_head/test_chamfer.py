"""Chamfer distances between sets of points."""

from __future__ import annotations

import pytest
import torch

from lightning_face.metrics.talking_head import (
    ChamferDistance,
    chamfer_distance,
)


def test_chamfer_adds_mean_squares_of_both_directions(noise):
    pred, target = noise(3, 5, 3), noise(3, 8, 3, seed=1)
    squares = torch.cdist(pred, target).square()
    expected = squares.amin(dim=2).mean(dim=1) + squares.amin(dim=1).mean(dim=1)
    torch.testing.assert_close(chamfer_distance(pred, target), expected)


def test_padding_is_no_part_of_a_frame(noise):
    pred, target = noise(2, 5, 3) + 10, noise(2, 8, 3, seed=1) + 10
    frames = [target[0, :3], target[1]]
    padded = target.clone()
    padded[0, 3:] = 0
    expected = chamfer_distance(pred, frames)
    torch.testing.assert_close(chamfer_distance(pred, padded, torch.tensor([3, 8])), expected)
    assert not torch.allclose(chamfer_distance(pred, padded), expected)


def test_chamfer_has_the_gradient_of_the_dense_formula(noise):
    pred, target = noise(2, 5, 3).requires_grad_(), noise(2, 8, 3, seed=1).requires_grad_()
    squares = (pred[:, :, None] - target[:, None]).square().sum(dim=-1)
    dense = squares.amin(dim=2).mean(dim=1) + squares.amin(dim=1).mean(dim=1)
    expected = torch.autograd.grad(dense.sum(), (pred, target))
    actual = torch.autograd.grad(chamfer_distance(pred, target).sum(), (pred, target))
    torch.testing.assert_close(actual, expected)


def test_nan_comes_out_as_nan(noise):
    pred = noise(2, 5, 3)
    pred[1, 2] = torch.nan
    values = chamfer_distance(pred, noise(2, 8, 3, seed=1))
    assert values.isnan().tolist() == [False, True]


def test_the_metric_is_a_mean_over_frames(noise):
    parts = [(noise(3, 5, 3), noise(3, 8, 3, seed=1)), (noise(1, 4, 3), noise(1, 6, 3, seed=2))]
    metric = ChamferDistance()
    for part in parts:
        metric.update(*part)
    expected = torch.cat([chamfer_distance(*part) for part in parts]).mean()
    assert metric.compute().item() == pytest.approx(expected.item(), rel=1e-6)
