from __future__ import annotations

import math

import pytest
import torch

from lightning_face_scantalk.networks.gradient_features import SpatialGradientFeatures


@pytest.mark.parametrize("rotations", [True, False])
def test_tangent_frames_may_lie_anyhow(rotations):
    features = SpatialGradientFeatures(6, rotations)
    along_x, along_y = torch.randn(2, 20, 3, 6)
    angle = 2 * math.pi * torch.rand(20, 1, 1)
    turned = torch.stack(
        [
            angle.cos() * along_x - angle.sin() * along_y,
            angle.sin() * along_x + angle.cos() * along_y,
        ]
    )
    torch.testing.assert_close(
        features(turned), features(torch.stack([along_x, along_y])), atol=1e-5, rtol=1e-4
    )


def test_only_turning_tells_mirror_images_apart():
    mirror = torch.tensor([1.0, -1.0]).view(2, 1, 1)
    gradients = torch.randn(2, 20, 6)
    plain, turning = SpatialGradientFeatures(6, False), SpatialGradientFeatures(6, True)
    torch.testing.assert_close(plain(mirror * gradients), plain(gradients))
    assert not torch.allclose(turning(mirror * gradients), turning(gradients), atol=1e-3)


@pytest.mark.parametrize("rotations", [True, False])
def test_gradients_lead_back(rotations):
    features = SpatialGradientFeatures(3, rotations).double()
    gradients = torch.randn(2, 4, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(features, gradients)
    assert features(gradients).shape == (4, 2, 3)
    assert (features(100 * gradients).abs() <= 1).all()
