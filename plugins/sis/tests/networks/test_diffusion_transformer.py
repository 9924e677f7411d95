from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lightning_face_sis.networks.conditioning import Conditioning
from lightning_face_sis.networks.diffusion_transformer import DiffusionTransformer
from lightning_face_sis.networks.label_pyramid import LabelPyramid


def inputs(height=4, width=6, channels=32):
    draw = torch.Generator().manual_seed(4)
    labels = torch.randint(3, (2, 1, 4 * height, 4 * width), generator=draw)
    styles = torch.randn(2, 3, 10, generator=draw)
    features = torch.randn(2, channels, height, width, generator=draw)
    return features, Conditioning(LabelPyramid(labels, 3), styles)


def by_definition(layer, features, conditioning):
    """Whole matrices of weights."""
    grid = tuple(features.shape[2:])
    tokens = layer.proj_in(layer.norm(features)).flatten(2).mT
    for block in layer.transformer_blocks:
        normed = block.norm1(tokens)
        query, key, value = (
            to(normed).unflatten(2, (block.attn1.heads, -1)).transpose(1, 2)
            for to in (block.attn1.to_q, block.attn1.to_k, block.attn1.to_v)
        )
        weights = (query @ key.mT * query.shape[3] ** -0.5).softmax(dim=3)
        tokens = block.attn1.to_out((weights @ value).transpose(1, 2).flatten(2)) + tokens
        looked_at = conditioning.looked_at(block.attn2, grid, block.mask_attention)
        tokens = block.attn2(block.norm2(tokens), looked_at) + tokens
        expanded = F.linear(block.norm3(tokens), block.ff.net[0].proj.weight)
        value, gate = (expanded + block.ff.net[0].proj.bias).chunk(2, dim=2)
        tokens = block.ff.net[2](value * F.gelu(gate)) + tokens
    return features + layer.proj_out(tokens.mT.unflatten(2, grid))


def test_a_new_layer_changes_nothing():
    features, conditioning = inputs()
    out, _ = DiffusionTransformer(32, 2, 16, 10)(features, conditioning)
    torch.testing.assert_close(out, features)


@torch.no_grad()
@pytest.mark.parametrize(
    ("heads", "head_dim", "depth", "masked"),
    [(2, 16, 1, True), (2, 16, 2, True), (3, 8, 1, True), (2, 16, 1, False)],
)
def test_a_layer_is_made_of_the_steps_of_the_paper(drawn, heads, head_dim, depth, masked):
    layer = drawn(DiffusionTransformer(32, heads, head_dim, 10, depth, masked))
    features, conditioning = inputs()
    out, _ = layer(features, conditioning)
    assert (out - features).abs().max() > 1
    torch.testing.assert_close(
        out, by_definition(layer, features, conditioning), atol=1e-5, rtol=1e-4
    )


@torch.no_grad()
@pytest.mark.parametrize("masked", [False, True])
def test_logits_are_given_for_every_block_and_change_nothing(drawn, masked):
    layer = drawn(DiffusionTransformer(32, 2, 16, 10, 2, masked))
    features, conditioning = inputs()
    out, logits = layer(features, conditioning, with_logits=True)
    assert [tuple(each.logits.shape) for each in logits] == [(2, 2, 24, 3)] * 2
    assert {each.grid for each in logits} == {(4, 6)}
    without, nothing = layer(features, conditioning)
    assert nothing == []
    torch.testing.assert_close(out, without)


@torch.no_grad()
def test_memory_order_does_not_matter(drawn):
    layer = drawn(DiffusionTransformer(32, 2, 16, 10))
    features, conditioning = inputs()
    last = features.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(layer(last, conditioning)[0], layer(features, conditioning)[0])


@torch.no_grad()
def test_pixels_know_no_place_but_that_of_their_class(drawn):
    layer = drawn(DiffusionTransformer(32, 2, 16, 10))
    features, conditioning = inputs()
    # the pixel that remains of a cell is another one in the turned map
    whole = LabelPyramid(conditioning.labels.masks((4, 6)), 3)
    turned = Conditioning(LabelPyramid(whole.masks((4, 6)).flip(2, 3), 3), conditioning.styles)
    out, _ = layer(features, Conditioning(whole, conditioning.styles))
    other, _ = layer(features.flip(2, 3), turned)
    torch.testing.assert_close(other.flip(2, 3), out, atol=1e-5, rtol=1e-4)
