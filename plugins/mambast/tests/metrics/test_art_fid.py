from __future__ import annotations

import pytest
import torch
from torch import nn

from lightning_face.metrics import LPIPS, FrechetDistance, LPIPSNetwork, frechet_distance
from lightning_face_mambast.metrics import (
    ArtFID,
    FrechetDistanceInfinity,
    art_fid,
    frechet_distance_infinity,
)


def features(count: int, dimensions: int = 4, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, dimensions, generator=torch.Generator().manual_seed(seed))


def test_perfect_pictures_score_one():
    assert art_fid(torch.tensor(0.0), torch.tensor(0.0)) == 1
    assert art_fid(torch.tensor(0.5), torch.tensor(20.0)) == pytest.approx(31.5)


@pytest.mark.parametrize("points", [2, 8, 15])
def test_up_to_5000_pairs_it_is_the_plain_distance(points):
    a, b = features(60), features(60, seed=1)
    assert torch.equal(frechet_distance_infinity(a, b, points), frechet_distance(a, b))


def test_extrapolation_removes_the_bias_of_small_sets():
    # two sets of the same distribution: the true distance is 0, that of finite sets is above it
    a, b = features(12000, 48), features(12000, 48, seed=1)
    plain, extrapolated = frechet_distance(a, b), frechet_distance_infinity(a, b)
    assert plain > 0
    assert extrapolated.abs() < plain / 2
    assert torch.equal(extrapolated, frechet_distance_infinity(a, b)), "subsets are seeded"


@pytest.mark.parametrize(("count", "points"), [(5, 15), (6, 1)])
def test_refuses_unpaired_sets_and_lines_of_one_point(count, points):
    with pytest.raises(ValueError, match=r"needs? "):
        frechet_distance_infinity(features(6), features(count), points)


def test_metric_of_subsets_equals_the_function():
    a, b = features(5200), features(5200, seed=1)
    metric = FrechetDistanceInfinity(dimensions=4, points=3)
    metric.update(a[:3000], b[:3000])
    metric.update(a[3000:], b[3000:])
    assert torch.equal(metric.compute(), frechet_distance_infinity(a, b, 3))


def test_combines_both_distances_over_batches():
    torch.manual_seed(0)
    pool = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten())
    perceptual = LPIPSNetwork()
    metric = ArtFID(FrechetDistance(pool, 12), LPIPS(perceptual))
    stylized, content, style = torch.rand(3, 6, 3, 48, 48)
    for start in (0, 4):
        part = slice(start, start + 4)
        metric.update(stylized[part], content[part], style[part])
    values = metric.compute()
    assert float(values["LPIPS"]) == pytest.approx(float(perceptual(stylized, content).mean()))
    fid = frechet_distance(pool(stylized), pool(style))
    assert float(values["FID"]) == pytest.approx(float(fid), rel=1e-5)
    expected = (1 + float(values["LPIPS"])) * (1 + float(values["FID"]))
    assert float(values["ArtFID"]) == pytest.approx(expected)
    metric.reset()
    metric.update(stylized[:3], stylized[:3], stylized[:3])
    assert float(metric.compute()["ArtFID"]) == pytest.approx(1, abs=1e-5)
