from __future__ import annotations

import pytest
import torch

from lightning_face_sis.editing import interpolate_shapes, latent_channels, swap_latents


@pytest.fixture
def latents():
    return torch.randn(2, 4, 3, 5), torch.randn(2, 4, 3, 5)


@pytest.mark.parametrize(("exclude_background", "channels"), [(True, [0, 2]), (False, [0, 1, 3])])
def test_channels_follow_the_classes(exclude_background, channels):
    assert latent_channels([0, 1, 3], exclude_background) == channels


def test_an_excluded_background_is_not_taken_for_the_last_class(latents):
    own, other = latents
    assert torch.equal(swap_latents(own, other, [0], True), own)
    swapped = swap_latents(own, other, [0], False)
    assert torch.equal(swapped[:, 0], other[:, 0])
    assert torch.equal(swapped[:, 1:], own[:, 1:])


def test_a_walk_begins_at_the_own_shape_and_ends_at_the_other(latents):
    own, other = latents
    walk = interpolate_shapes(own, other)
    assert walk.shape == (5, *own.shape)
    torch.testing.assert_close(walk[0], own)
    torch.testing.assert_close(walk[-1], other)
    torch.testing.assert_close(walk[2], (own + other) / 2)


def test_a_walk_of_parts_leaves_the_rest(latents):
    own, other = latents
    walk = interpolate_shapes(own, other, (0.0,), [2], exclude_background=True)
    assert torch.equal(walk[0, :, 1], other[:, 1])
    rest = [0, 2, 3]
    assert torch.equal(walk[0][:, rest], own[:, rest])
