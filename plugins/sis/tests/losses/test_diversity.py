from __future__ import annotations

import pytest
import torch

from lightning_face_sis.losses import diversity_loss


def test_is_the_negative_mean_difference():
    first, second = torch.rand(2, 2, 3, 8, 8)
    assert torch.allclose(diversity_loss(first, second), -(first - second).abs().mean())
    assert float(diversity_loss(first, first)) == 0


def test_pushes_the_first_picture_away_from_the_second_alone():
    first = torch.zeros(1, 3, 4, 4, requires_grad=True)
    second = torch.full((1, 3, 4, 4), 0.5, requires_grad=True)
    diversity_loss(first, second).backward()
    assert second.grad is None
    assert float(first.grad.sum()) == pytest.approx(1.0)
