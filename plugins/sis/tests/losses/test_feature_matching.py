from __future__ import annotations

import pytest
import torch

from lightning_face_sis.losses import FeatureMatchingLoss


def outputs(seed: int, scales: int = 2) -> list[list[torch.Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    return [
        [torch.randn(2, channels, 5, 5, generator=generator) for channels in (4, 8, 1)]
        for _ in range(scales)
    ]


def test_sums_stages_and_averages_scales_without_predictions():
    fake, real = outputs(0), outputs(1)
    differences = [
        (a - b).abs().mean()
        for fake_scale, real_scale in zip(fake, real, strict=True)
        for a, b in zip(fake_scale[:2], real_scale[:2], strict=True)
    ]
    expected = 10 * sum(differences) / 2
    assert torch.allclose(FeatureMatchingLoss()(fake, real), expected)
    real[0][-1] += 100
    assert torch.allclose(FeatureMatchingLoss()(fake, real), expected)


def test_a_scale_more_of_the_same_changes_nothing():
    fake, real = outputs(0, 1), outputs(1, 1)
    loss = FeatureMatchingLoss(1.0)
    assert torch.allclose(loss(fake, real), loss(fake * 3, real * 3))


def test_equal_features_cost_nothing_and_photographs_get_no_gradient():
    real = [[stage.requires_grad_() for stage in scale] for scale in outputs(0)]
    fake = [[stage.detach().clone().requires_grad_() for stage in scale] for scale in outputs(1)]
    loss = FeatureMatchingLoss()
    assert loss(real, real).item() == 0
    loss(fake, real).backward()
    assert all(stage.grad is None for scale in real for stage in scale)
    assert all(stage.grad is not None for scale in fake for stage in scale[:-1])


def test_discriminators_of_other_depth_are_an_error():
    with pytest.raises(ValueError, match="zip"):
        FeatureMatchingLoss()(outputs(0), outputs(1, 3))
