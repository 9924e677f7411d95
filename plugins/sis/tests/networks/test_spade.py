from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lightning_face_sis.networks.spade import Modulation, SPADEGroupNorm


@torch.no_grad()
def test_without_modulation_features_are_normalised(drawn):
    norm = drawn(SPADEGroupNorm(64, 3))
    features = 3 + 2 * torch.randn(2, 64, 8, 6)
    neutral = Modulation(torch.ones(1, 64, 8, 6), torch.zeros(1, 64, 8, 6))
    out = norm(features, neutral)
    torch.testing.assert_close(out, F.group_norm(features, 32))
    groups = out.unflatten(1, (32, 2)).flatten(2)
    torch.testing.assert_close(groups.mean(dim=2), torch.zeros(2, 32), atol=1e-5, rtol=0)


@torch.no_grad()
def test_scale_and_shift_are_two_convolutions_of_the_masks(drawn, random_masks):
    norm, masks = drawn(SPADEGroupNorm(32, 3)), random_masks(2, 3, 8, 8)
    hidden = F.conv2d(masks, norm.mlp_shared[0].weight, norm.mlp_shared[0].bias, padding=1).relu()
    modulation = norm.modulation(masks)
    torch.testing.assert_close(modulation.scale, 1 + norm.mlp_gamma(hidden))
    torch.testing.assert_close(modulation.shift, norm.mlp_beta(hidden))
    features = torch.randn(2, 32, 8, 8)
    expected = F.group_norm(features, 32) * modulation.scale + modulation.shift
    torch.testing.assert_close(norm(features, modulation), expected)


@torch.no_grad()
def test_without_a_class_the_modulation_is_constant_inside(drawn):
    modulation = drawn(SPADEGroupNorm(32, 3)).modulation(torch.zeros(1, 3, 9, 7))
    for each in modulation:
        inside = each[:, :, 1:-1, 1:-1]
        torch.testing.assert_close(inside, inside[:, :, :1, :1].expand_as(inside))
        assert (each[:, :, 0, 0] - inside[:, :, 0, 0]).abs().max() > 0.01


@torch.no_grad()
def test_one_modulation_serves_a_batch(drawn, random_masks):
    norm, features = drawn(SPADEGroupNorm(32, 3)), torch.randn(3, 32, 8, 8)
    one = norm.modulation(random_masks(1, 3, 8, 8))
    each = Modulation(*(part.expand(3, -1, -1, -1) for part in one))
    torch.testing.assert_close(norm(features, one), norm(features, each))


@pytest.mark.parametrize("channels", [33, 48])
def test_channels_are_a_multiple_of_the_groups(channels):
    with pytest.raises(ValueError, match="divisible"):
        SPADEGroupNorm(channels, 3)
