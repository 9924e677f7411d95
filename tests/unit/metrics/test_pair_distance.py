"""The mean of a distance over pairs."""

from __future__ import annotations

import pytest
import torch

from lightning_face.metrics.pair_distance import MeanPairDistance


class BrightnessDistance(MeanPairDistance[torch.Tensor]):
    """Difference of the mean brightness; counts the pictures it looks at."""

    looked_at = 0

    def features(self, image):
        self.looked_at += 1
        return image.mean()

    def distance(self, features, reference):
        return (features - reference).abs()


@pytest.fixture
def pairs():
    return torch.rand(2, 5, 3, 4, 6, generator=torch.Generator().manual_seed(0))


def test_mean_over_all_pairs_of_all_batches(pairs):
    metric = BrightnessDistance(cached=2)
    metric.update(*pairs[:, :2])
    metric.update(*pairs[:, 2:])
    expected = (pairs[0] - pairs[1]).mean(dim=(1, 2, 3)).abs().mean()
    torch.testing.assert_close(metric.compute(), expected)


def test_named_references_are_looked_at_once(pairs):
    metric = BrightnessDistance(cached=1)
    for image in pairs[0]:
        metric.update(image[None], pairs[1, :1], ["the same"])
    assert metric.looked_at == len(pairs[0]) + 1


def test_reset_forgets_pairs_and_features(pairs):
    metric = BrightnessDistance(cached=1)
    metric.update(pairs[0, :1], pairs[1, :1], ["one"])
    metric.reset()
    metric.update(pairs[0, :1], pairs[0, :1], ["one"])
    assert metric.compute() == 0
