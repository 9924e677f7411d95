from __future__ import annotations

import numpy as np
import pytest
import torch

from lightning_face.metrics import FrechetDistance, frechet_distance


def by_eigenvalues(a: torch.Tensor, b: torch.Tensor) -> float:
    """The textbook formula: the root's trace is the sum of roots of the product's eigenvalues."""
    a, b = a.double().numpy(), b.double().numpy()
    product = np.cov(a, rowvar=False) @ np.cov(b, rowvar=False)
    roots = np.sqrt(np.maximum(np.linalg.eigvals(product).real, 0)).sum()
    traces = np.cov(a, rowvar=False).trace() + np.cov(b, rowvar=False).trace()
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + traces - 2 * roots)


def features(count: int, dimensions: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(dimensions, dimensions, generator=generator)
    shift = torch.randn(dimensions, generator=generator)
    return torch.randn(count, dimensions, generator=generator) @ mixing + shift


@pytest.mark.parametrize(
    ("n_a", "n_b", "dimensions"),
    [(64, 80, 12), (40, 40, 100), (30, 300, 64), (300, 30, 64), (2, 2, 5)],
    ids=["many", "few", "few and many", "many and few", "two"],
)
def test_equals_the_textbook_formula(n_a, n_b, dimensions):
    a, b = features(n_a, dimensions, 0), features(n_b, dimensions, 1)
    assert float(frechet_distance(a, b)) == pytest.approx(by_eigenvalues(a, b), rel=1e-4)


def test_is_exact_for_distributions_that_differ_in_one_known_way():
    a = features(50, 8, 0)
    assert float(frechet_distance(a, a)) == pytest.approx(0, abs=1e-8)
    assert float(frechet_distance(a, a + 2)) == pytest.approx(8 * 4)
    spread = a.double().var(dim=0).sum()
    centre = a.double().mean(dim=0)
    doubled = centre + 2 * (a.double() - centre)
    assert float(frechet_distance(a, doubled)) == pytest.approx(float(spread))


def test_does_not_depend_on_order_or_side():
    a, b = features(30, 16, 0), features(40, 16, 1)
    distance = frechet_distance(a, b)
    assert torch.allclose(distance, frechet_distance(b, a))
    assert torch.allclose(distance, frechet_distance(a.flip(0), b))


@pytest.mark.parametrize("shape", [(5, 3), (5,), (1, 4)])
def test_refuses_sets_that_have_no_distance(shape):
    with pytest.raises(ValueError, match=r"expected two sets|needs 2 images"):
        frechet_distance(torch.zeros(5, 4), torch.zeros(shape))


def test_metric_over_batches_equals_the_function_over_all():
    a, b = features(30, 6, 0), features(30, 6, 1)
    metric = FrechetDistance(dimensions=6)
    for start in range(0, 30, 7):
        metric.update(a[start : start + 7], b[start : start + 7])
    assert torch.allclose(metric.compute(), frechet_distance(a, b))
    metric.reset()
    metric.update(a, a)
    assert float(metric.compute()) == pytest.approx(0, abs=1e-8)


def test_metric_runs_the_network_once_for_every_named_image():
    class Counting(torch.nn.Module):
        runs = 0

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            self.runs += len(images)
            return images.mean(dim=(2, 3))

    network = Counting()
    metric = FrechetDistance(network, dimensions=3)
    images, styles = torch.rand(6, 3, 4, 4), torch.rand(2, 3, 4, 4)
    for index in range(3):
        metric.update(images[2 * index : 2 * index + 2], styles, ["first", "second"])
    assert network.runs == 6 + 2
    expected = frechet_distance(images.mean(dim=(2, 3)), styles.mean(dim=(2, 3)).repeat(3, 1))
    assert torch.allclose(metric.compute(), expected)
