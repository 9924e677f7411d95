from __future__ import annotations

import pytest
import torch

from lightning_face_sis.networks import low_rank
from lightning_face_sis.networks.spatial_transformer import SpatialTransformer


@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("self_attention", [False, True])
def test_a_new_block_changes_nothing(self_attention, grad):
    block = SpatialTransformer(32, 10, 2, 8, self_attention)
    features = torch.randn(2, 32, 4, 6)
    with torch.set_grad_enabled(grad):
        out = block(features, torch.randn(2, 5, 10)).features
    torch.testing.assert_close(out, features)


def test_loss_takes_whole_rows_of_a_grid_that_is_no_square(drawn):
    block = drawn(SpatialTransformer(32, 10, 2, 8, self_attention=False))
    features, context = torch.randn(1, 32, 2, 6), torch.randn(1, 3, 10)
    masks = torch.rand(1, 3, 2, 6).round()
    loss = block(features, context, masks).attention_loss
    turned = block(features.transpose(2, 3), context, masks.transpose(2, 3)).attention_loss
    torch.testing.assert_close(loss, turned)
    wrong = block(features, context, masks.flip(3)).attention_loss
    assert abs(wrong - loss) > 1e-4


# channels, heads, width of a head, self-attention, tokens, height, width
SHAPES = {
    "published 5": (32, 8, 64, False, 19, 20, 31),
    "published 6": (32, 4, 32, False, 19, 24, 24),
    "published 4": (64, 8, 64, True, 19, 24, 24),
    "with an identity": (32, 8, 64, False, 20, 8, 8),
    "many classes": (32, 8, 64, False, 151, 12, 12),
    "many classes that look at each other": (32, 4, 32, True, 151, 12, 12),
    "one class": (32, 2, 32, False, 1, 5, 7),
    "more than a tile": (32, 2, 32, False, 5, 3, 400),
    "more than a tile that look at each other": (32, 2, 32, True, 5, 3, 400),
    "smaller than its parts": (32, 2, 16, False, 5, 3, 5),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_folded_blocks_compute_the_same(drawn, shape):
    channels, heads, head_dim, self_attention, tokens, height, width = shape
    block = drawn(SpatialTransformer(channels, 40, heads, head_dim, self_attention))
    draw = torch.Generator().manual_seed(3)
    features = torch.randn(2, channels, height, width, generator=draw)
    context = torch.rand(2, tokens, 40, generator=draw) * 2 - 1
    plain = block(features, context).features
    with torch.no_grad():
        folded = block(features, context).features
    assert (plain - features).abs().max() > 1
    torch.testing.assert_close(folded, plain, atol=5e-5, rtol=1e-5)


@torch.no_grad()
def test_folded_blocks_are_exact_in_double_precision(drawn):
    block = drawn(SpatialTransformer(32, 40, 8, 64, self_attention=False)).double()
    features = torch.randn(1, 32, 9, 9, dtype=torch.float64)
    context = torch.rand(1, 19, 40, dtype=torch.float64)
    folded = block(features, context).features
    with torch.enable_grad():
        plain = block(features, context).features
    torch.testing.assert_close(folded, plain, atol=1e-12, rtol=1e-12)


@torch.no_grad()
def test_memory_order_of_the_input_does_not_matter(drawn):
    block = drawn(SpatialTransformer(32, 10, 2, 32, self_attention=False))
    features, context = torch.randn(2, 32, 6, 5), torch.randn(2, 3, 10)
    last = features.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(block(last, context).features, block(features, context).features)
    torch.testing.assert_close(last, features)


def test_blocks_are_folded_without_gradient_in_full_precision_only(drawn, monkeypatch):
    block = drawn(SpatialTransformer(32, 10, 2, 32, self_attention=False))
    features, context = torch.randn(1, 32, 4, 4), torch.randn(1, 3, 10)
    calls = []
    apply = low_rank.fold_and_apply
    monkeypatch.setattr(
        "lightning_face_sis.networks.spatial_transformer.fold_and_apply",
        lambda *given: calls.append(given) or apply(*given),
    )
    block(features, context)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        block(features, context)
    with torch.no_grad():
        block(features, context, torch.ones(1, 3, 4, 4))
        block.bfloat16()(features.bfloat16(), context.bfloat16())
        assert not calls
        block.float()(features, context)
    assert len(calls) == 1


def test_gradient_reaches_all_weights_features_and_styles(drawn):
    block = drawn(SpatialTransformer(32, 10, 2, 8))
    features = torch.randn(1, 32, 4, 4, requires_grad=True)
    context = torch.randn(1, 3, 10, requires_grad=True)
    out, loss = block(features, context, torch.ones(1, 3, 4, 4))
    (out.square().mean() + loss).backward()
    for each in (features, context, *block.parameters()):
        assert each.grad.abs().sum() > 0
