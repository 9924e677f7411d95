from __future__ import annotations

import torch

from lightning_face.metrics.feature_cache import FeatureCache


def test_computes_every_name_once_and_keeps_the_order_of_the_batch():
    cache = FeatureCache(capacity=8)
    images = torch.arange(3.0).view(3, 1, 1, 1)
    runs = []

    def compute(image):
        runs.append(float(image))
        return float(image)

    assert list(cache.of_each(images, ["a", "b", "a"], compute)) == [0, 1, 0]
    assert runs == [0, 1]
    assert list(cache.of_each(images, None, compute)) == [0, 1, 2], "without names nothing is kept"


def test_forgets_what_was_unused_for_longest():
    cache = FeatureCache(capacity=2)
    runs = []

    def compute(image):
        runs.append(float(image))
        return float(image)

    images = torch.arange(5.0).view(5, 1, 1, 1)
    list(cache.of_each(images, ["a", "b", "a", "c", "a"], compute))
    assert runs == [0, 1, 3]
    list(cache.of_each(images[1:2], ["b"], compute))
    assert runs == [0, 1, 3, 1]
    cache.clear()
    list(cache.of_each(images[:1], ["a"], compute))
    assert len(runs) == 5
