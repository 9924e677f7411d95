from __future__ import annotations

import torch

from lightning_face_mambast.patch_embed import PatchEmbed


def test_each_token_is_a_projection_of_its_own_patch():
    embedding = PatchEmbed(16)
    images = torch.rand(2, 3, 24, 40)
    with torch.no_grad():
        tokens = embedding(images)
        assert tokens.shape == (2, 16, 3, 5)
        patch = images[:, :, 8:16, 32:40].flatten(1)
        expected = patch @ embedding.proj.weight.flatten(1).T + embedding.proj.bias
        torch.testing.assert_close(tokens[:, :, 1, 4], expected)


def test_s4d_start_values_map_mid_grey_to_nothing_and_keep_distances():
    torch.manual_seed(0)
    embedding = PatchEmbed(192, init="s4d")
    with torch.no_grad():
        grey = embedding(torch.full((1, 3, 8, 8), 0.5))
        torch.testing.assert_close(grey, torch.zeros_like(grey), rtol=0, atol=1e-4)
        images = torch.rand(2, 3, 8, 8)
        first, second = embedding(images).flatten(1)
        torch.testing.assert_close(
            (first - second).norm(), 3 * (images[0] - images[1]).norm(), rtol=1e-4, atol=1e-4
        )
