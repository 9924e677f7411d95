"""The parts of a folded block; whole blocks are in test_spatial_transformer.py."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lightning_face_sis.networks import low_rank
from lightning_face_sis.networks.cross_attention import ClassCrossAttention
from lightning_face_sis.networks.spatial_transformer import SpatialTransformer


@pytest.mark.parametrize(
    ("grad", "autocast", "dtype", "allowed"),
    [
        (False, False, torch.float32, True),
        (False, False, torch.float64, True),
        (True, False, torch.float32, False),
        (False, True, torch.float32, False),
        (False, False, torch.float16, False),
        (False, False, torch.bfloat16, False),
    ],
)
def test_blocks_are_folded_without_gradient_in_full_precision(grad, autocast, dtype, allowed):
    with torch.set_grad_enabled(grad), torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        assert low_rank.can_fold(torch.zeros(1, dtype=dtype)) is allowed


@torch.no_grad()
@pytest.mark.parametrize("bias", [False, True])
def test_a_norm_and_the_map_behind_it_act_on_coordinates(drawn, bias):
    norm, linear = drawn(nn.LayerNorm(24)).double(), drawn(nn.Linear(24, 7, bias=bias)).double()
    draw = torch.Generator().manual_seed(0)
    basis = torch.randn(24, 5, generator=draw, dtype=torch.float64) + 3
    coordinates = torch.randn(5, 11, generator=draw, dtype=torch.float64)
    normed = low_rank.NormedMap(norm, linear.weight, linear.bias, basis)
    found = normed.matrix @ normed.scale(coordinates)
    wanted = linear(norm((basis @ coordinates).t())).t()
    torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-10)


@torch.no_grad()
def test_flat_tokens_are_normed_to_the_bias(drawn):
    norm, linear = drawn(nn.LayerNorm(8)), drawn(nn.Linear(8, 3))
    normed = low_rank.NormedMap(norm, linear.weight, linear.bias, torch.ones(8, 2))
    found = normed.matrix @ normed.scale(torch.full((2, 4), 1e3))
    wanted = linear(norm.bias)[:, None].expand(-1, 4)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize(("heads", "tokens"), [(1, 1), (2, 5), (4, 19)])
def test_absorbed_styles_give_what_kept_ones_do(drawn, heads, tokens):
    attention = drawn(ClassCrossAttention(24, 10, heads, 6)).double()
    draw = torch.Generator().manual_seed(0)
    codes = torch.randn(tokens, 10, generator=draw, dtype=torch.float64)
    normed = torch.randn(13, 24, generator=draw, dtype=torch.float64)
    kept, absorbed = (
        low_rank.KeptStyles(attention, codes),
        low_rank.AbsorbedStyles(attention, codes),
    )
    torch.testing.assert_close(absorbed(normed), kept(normed), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(kept(normed), attention(normed[None], codes[None])[0])


@torch.no_grad()
@pytest.mark.parametrize("self_attention", [False, True])
@pytest.mark.parametrize("tile", [1, 7, 35, 1000])
def test_the_size_of_a_tile_does_not_matter(drawn, monkeypatch, self_attention, tile):
    block = drawn(SpatialTransformer(32, 10, 2, 32, self_attention))
    draw = torch.Generator().manual_seed(0)
    features = torch.randn(2, 32, 5, 7, generator=draw)
    context = torch.randn(2, 3, 10, generator=draw)
    wanted = low_rank.fold_and_apply(block, features, context)
    monkeypatch.setattr(low_rank, "CPU_TILE", tile)
    found = low_rank.fold_and_apply(block, features, context)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=2e-5)
