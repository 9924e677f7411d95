"""The rows of the regression table, against numpy."""

from __future__ import annotations

import pytest
import torch

from lightning_face_eventvit.metrics import AlphaRegressionMetrics


@pytest.fixture
def tracks():
    generator = torch.Generator().manual_seed(0)
    target = 0.05 * torch.randn(6, 10, 32, generator=generator)
    pred = target + 0.02 * torch.randn(6, 10, 32, generator=generator)
    valid = torch.rand(6, 10, generator=generator) < 0.8
    target[~valid] = torch.nan
    mean, std = 0.01 * torch.randn(32, generator=generator), 0.02 + torch.rand(32)
    return pred, target, valid, mean, std


def test_rows_are_what_counting_gives(tracks):
    pred, target, valid, mean, std = tracks
    metrics = AlphaRegressionMetrics()
    for part in range(0, 6, 2):
        several = slice(part, part + 2)
        metrics.update(pred[several], target[several], valid[several], mean, std)
    rows = {name: value.item() for name, value in metrics.compute().items()}
    error, wanted = (pred - target)[valid], target[valid]
    assert rows["alpha_mse"] == pytest.approx(error.square().mean().item(), rel=1e-5)
    assert rows["alpha_mae"] == pytest.approx(error.abs().mean().item(), rel=1e-5)
    blind = (wanted - mean).square().mean().item()
    assert rows["alpha_mse_blind"] == pytest.approx(blind, rel=1e-5)
    scaled = error / std
    assert rows["alpha_mse_standardised"] == pytest.approx(scaled.square().mean().item(), rel=1e-5)
    assert rows["alpha_mae_standardised"] == pytest.approx(scaled.abs().mean().item(), rel=1e-5)
    r2 = 1 - error.square().sum(0) / (wanted - wanted.mean(0)).square().sum(0)
    assert [rows[f"r2_{index:02d}"] for index in range(32)] == pytest.approx(r2.tolist(), rel=1e-3)
    assert rows["r2"] == pytest.approx(r2.mean().item(), rel=1e-3)
    assert "vertex_distance_mm" not in rows


def test_a_basis_adds_the_distance(tracks):
    pred, target, valid, mean, std = tracks
    metrics = AlphaRegressionMetrics(components=torch.eye(33, 32))
    metrics.update(pred, target, valid, mean, std)
    moved = torch.cat([(pred - target)[valid], torch.zeros(int(valid.sum()), 1)], 1)
    expected = 1000 * moved.view(-1, 11, 3).norm(dim=-1).mean().item()
    assert metrics.compute()["vertex_distance_mm"].item() == pytest.approx(expected, rel=1e-5)


def test_no_frame_no_rows(tracks):
    pred, target, valid, mean, std = tracks
    metrics = AlphaRegressionMetrics()
    metrics.update(pred, target, torch.zeros_like(valid), mean, std)
    assert metrics.compute() == {}
    metrics.update(pred, target, valid, mean, std)
    assert metrics.compute()
    metrics.reset()
    assert metrics.compute() == {}
