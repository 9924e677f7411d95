"""Warping and Frechet distances of lips."""

from __future__ import annotations

import math

import pytest
import torch

from lightning_face.metrics.talking_head import (
    LipDiscreteFrechetDistance,
    LipDynamicTimeWarping,
    frame_paths,
    lip_dtw,
    lip_frechet_distance,
)

LIPS = torch.tensor([0, 2, 3])


def straightforward(costs, combine):
    """The textbook recursion, cell by cell."""
    rows, columns = costs.shape
    table = [[math.inf] * columns for _ in range(rows)]
    for i in range(rows):
        for j in range(columns):
            ways = [
                table[a][b] for a, b in ((i - 1, j), (i, j - 1), (i - 1, j - 1)) if min(a, b) >= 0
            ]
            best = min(ways) if ways else (0.0 if combine == "sum" else -math.inf)
            cost = costs[i, j].item()
            table[i][j] = best + cost if combine == "sum" else max(best, cost)
    return table[-1][-1]


@pytest.mark.parametrize("combine", ["sum", "max"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (2, 7), (7, 2), (6, 6), (13, 11)])
def test_best_paths_are_those_of_the_recursion(noise, shape, combine):
    costs = noise(*shape).abs()
    actual = frame_paths.best_path_cost(costs, combine)
    assert actual.item() == pytest.approx(straightforward(costs, combine), rel=1e-12)


def test_costs_are_mean_distances_of_lips_in_blocks_too(noise, monkeypatch):
    pred, target = noise(5, 4, 3), noise(3, 4, 3, seed=1)
    expected = (pred[:, None, LIPS] - target[None, :, LIPS]).norm(dim=-1).mean(dim=-1)
    whole = frame_paths.lip_distances(pred, target, LIPS)
    monkeypatch.setattr(frame_paths, "_BLOCK", 10)
    torch.testing.assert_close(whole, expected)
    torch.testing.assert_close(frame_paths.lip_distances(pred, target, LIPS), expected)


@pytest.mark.parametrize("distance", [lip_dtw, lip_frechet_distance])
def test_speaking_slower_costs_nothing(noise, distance):
    target = noise(5, 4, 3)
    slower = target.repeat_interleave(torch.tensor([1, 3, 1, 2, 1]), dim=0)
    assert distance(slower, target, LIPS) == 0
    assert distance(target.flip(0), target, LIPS) > 0.1


@pytest.mark.parametrize("distance", [lip_dtw, lip_frechet_distance])
def test_only_lips_count(noise, distance):
    pred, target = noise(5, 4, 3), noise(6, 4, 3, seed=1)
    before = distance(pred, target, LIPS)
    pred[:, 1] += 100
    assert distance(pred, target, LIPS) == before


def test_metrics_are_means_over_sequences(noise):
    warping, frechet = LipDynamicTimeWarping(), LipDiscreteFrechetDistance()
    pairs = [(noise(5, 4, 3), noise(3, 4, 3, seed=1)), (noise(2, 4, 3), noise(6, 4, 3, seed=2))]
    for pair in pairs:
        warping.update(*pair, LIPS)
        frechet.update(*pair, LIPS)
    expected = sum(lip_dtw(*pair, LIPS) / len(pair[1]) for pair in pairs) / 2
    assert warping.compute().item() == pytest.approx(expected.item(), rel=1e-6)
    expected = sum(lip_frechet_distance(*pair, LIPS) for pair in pairs) / 2
    assert frechet.compute().item() == pytest.approx(expected.item(), rel=1e-6)
