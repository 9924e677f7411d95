from __future__ import annotations

import pytest
import torch

from lightning_face_sis.losses.identity_loss import IdentityLoss, identity_loss
from lightning_face_sis.networks.recognition import RecognitionNetwork


@pytest.mark.parametrize(("factor", "expected"), [(1, 0), (3, 0), (-1, 2), (-0.2, 2)])
def test_only_directions_count(factor, expected):
    embeddings = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    assert float(identity_loss(embeddings, factor * embeddings)) == pytest.approx(
        expected, abs=1e-6
    )


def test_is_the_mean_over_the_batch():
    embeddings = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    targets = torch.tensor([[0.0, 5.0], [1.0, 0.0], [1.0, 1.0]])
    expected = (1 + 0 + (1 - 0.5**0.5)) / 3
    assert float(identity_loss(embeddings, targets)) == pytest.approx(expected)


def test_trains_the_pictures_alone():
    torch.manual_seed(0)
    backbone = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 112 * 112, 6))
    recognition = RecognitionNetwork(backbone, embedding_dim=6)
    loss = IdentityLoss(recognition)
    images = torch.zeros(2, 3, 64, 64, requires_grad=True)
    targets = torch.randn(2, 6, requires_grad=True)
    optimizer = torch.optim.Adam([images], 0.01)
    before = loss(images, targets).item()
    for _ in range(20):
        optimizer.zero_grad()
        loss(images, targets).backward()
        optimizer.step()
    assert loss(images, targets).item() < 0.2 < before
    assert targets.grad is None
    assert all(each.grad is None for each in loss.parameters())
