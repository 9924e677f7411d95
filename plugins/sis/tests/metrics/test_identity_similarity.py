from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from lightning_face_sis.metrics.identity_similarity import IdentitySimilarity


def pairs(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, 6, generator=generator), torch.randn(count, 6, generator=generator)


def test_is_the_mean_cosine_of_all_pairs_however_they_are_batched():
    generated, references = pairs(11)
    metric = IdentitySimilarity()
    for start in range(0, 11, 4):
        metric.update(generated[start : start + 4], references[start : start + 4])
    expected = functional.cosine_similarity(generated, references).mean()
    assert float(metric.compute()) == pytest.approx(float(expected), rel=1e-6)
    metric.reset()
    metric.update(references, 3 * references)
    assert float(metric.compute()) == pytest.approx(1)


def test_a_network_embeds_both_pictures_without_gradients():
    metric = IdentitySimilarity(torch.nn.Flatten())
    images = torch.rand(3, 3, 4, 4, requires_grad=True)
    metric.update(images, images.detach().flip(0))
    expected = functional.cosine_similarity(images.flatten(1), images.flip(0).flatten(1)).mean()
    assert metric.compute().item() == pytest.approx(expected.item(), rel=1e-6)
    assert not metric.total.requires_grad


def test_is_not_a_number_before_the_first_pair():
    metric = IdentitySimilarity()
    metric.update(torch.zeros(0, 6), torch.zeros(0, 6))
    assert metric.compute().isnan()
