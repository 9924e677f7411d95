"""Attention maps and their pictures."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from lightning_face_sis.attention_pictures import (
    attention_grid,
    attention_maps,
    diffusion_attention_maps,
)
from lightning_face_sis.networks.generator import CA2SISGenerator
from lightning_face_sis.networks.label_pyramid import LabelPyramid


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = CA2SISGenerator(
        num_classes=4, style_dim=8, grid=(4, 8), heads=(2,) * 5, head_dims=(16,) * 5
    )
    for block in network.attention_blocks:
        torch.nn.init.normal_(block.proj_out.weight, std=0.2)
    return network.eval().requires_grad_(False)


def test_weights_of_a_pixel_add_up_to_one(network):
    # one token more than classes, as an injected identity is
    maps = attention_maps(network, torch.randn(2, 3, 4, 8), torch.randn(2, 5, 40))
    sides = [(4, 8), (8, 16), (16, 32), (32, 64), (64, 128)]
    assert [tuple(each.shape) for each in maps] == [(2, 5, *side) for side in sides]
    for each in maps:
        torch.testing.assert_close(each.sum(dim=1), torch.ones_like(each[:, 0]))


def test_maps_are_those_of_the_attention_that_makes_the_image(network, monkeypatch):
    latents, styles = torch.randn(1, 3, 4, 8), torch.randn(1, 4, 40)
    seen = []
    block = network.attention_blocks[2].cross_attention
    forward = block.forward_with_logits

    def record(tokens, context):
        seen.append(block.weights(tokens, context))
        return forward(tokens, context)

    monkeypatch.setattr(block, "forward_with_logits", record)
    # with masks the blocks run as in training
    network.decode(latents, styles, torch.zeros(1, 4, 64, 64))
    expected = seen[0].transpose(1, 2).view(1, 4, 16, 32)
    torch.testing.assert_close(attention_maps(network, latents, styles)[2], expected)


def test_looking_leaves_the_network_as_it_was(network):
    latents, styles = torch.randn(1, 3, 4, 8), torch.randn(1, 4, 40)
    before = network.decode(latents, styles).images
    attention_maps(network, latents, styles)
    assert torch.equal(network.decode(latents, styles).images, before)
    assert not any(block._forward_pre_hooks for block in network.attention_blocks)


def test_a_grid_glows_where_the_weight_is():
    maps = [torch.zeros(3, 4, 4), torch.zeros(3, 8, 8)]
    for each in maps:
        each[1, :, : each.shape[2] // 2] = 1
    image = Image.new("RGB", (32, 32), (90, 90, 90))
    grid = attention_grid(maps, ["", "hair", "skin"], image, side=64)
    assert grid.size == (2 * 14 + 92 + 3 * 70 - 6, 2 * 14 + 26 + 2 * 70 - 6)
    light = grid.convert("L")
    left, top = 14 + 92 + 70, 14 + 26
    bright, dark, other = (
        light.getpixel(place)
        for place in ((left + 8, top + 30), (left + 56, top + 30), (left + 8, top + 100))
    )
    assert bright > 200 > 100 > dark
    assert other == dark


def test_masked_attention_of_diffusion_is_on_the_own_class(small_diffusion, monkeypatch):
    labels = torch.zeros(1, 1, 64, 64, dtype=torch.uint8)
    labels[..., 20:] = 13
    styles = small_diffusion.encode_style(torch.zeros(1, 3, 64, 64), labels)
    inputs = small_diffusion, torch.randn(1, 3, 16, 16), 500, labels, styles
    maps = diffusion_attention_maps(*inputs)
    # on the way in, in the middle, and twice on the way out
    assert [tuple(each.shape) for each in maps] == [(1, 19, 8, 8)] * 4
    own = LabelPyramid(labels, 19).masks((8, 8))
    for each in maps:
        torch.testing.assert_close(each, own)
    monkeypatch.setattr(small_diffusion.unet, "mask_attention", False)
    for each in diffusion_attention_maps(*inputs):
        torch.testing.assert_close(each.sum(dim=1), torch.ones(1, 8, 8))
        assert (each - own).abs().max() > 0.1
