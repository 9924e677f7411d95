from __future__ import annotations

import pytest
import torch

from lightning_face_eventvit.networks.attention_maps import (
    attention_rollout,
    class_attention,
    temporal_attention,
)
from lightning_face_eventvit.networks.event_vit import EventViT

SETTINGS = {"image_size": (8, 12), "patch_size": 4, "dim": 8, "depth": 2, "temporal_depth": 3}
SETTINGS |= {"heads": 2, "dim_head": 4}


def make(**settings):
    torch.manual_seed(0)
    return EventViT(**{**SETTINGS, **settings}).eval()


def random_clip(frames=3):
    return torch.rand(2, frames, 1, 8, 12)


@pytest.mark.parametrize("dim_head", [4, 8])
def test_class_attention_covers_the_grid_of_every_frame(dim_head):
    network, clip = make(dim_head=dim_head), random_clip(9)
    maps = class_attention(network, clip)
    assert maps.shape == (2, 9, 2, 2, 2, 3)
    torch.testing.assert_close(maps.sum((-1, -2)), torch.ones(2, 9, 2, 2))
    alone = class_attention(network, clip[1:, 4:5])
    torch.testing.assert_close(maps[1:, 4:5], alone)


def test_class_attention_is_what_the_output_is_made_of():
    network, clip = make(), random_clip()
    layer = network.spatial_transformer.blocks[0].attention
    tokens = network.embed(clip.flatten(0, 1))
    values = layer.to_qkv(layer.norm(tokens)).unflatten(-1, (3, 2, 4))[:, 1:, 2]
    weights = class_attention(network, clip)[:, :, 0].flatten(0, 1).flatten(2)
    mixed = torch.einsum("fhp,fphd->fhd", weights, values)
    torch.testing.assert_close(layer.to_out(mixed.flatten(1)), layer(tokens)[:, 0])


def test_rollout_of_one_block_is_its_mean_over_heads():
    network, clip = make(depth=1), random_clip()
    maps = attention_rollout(network, clip)
    assert maps.shape == (2, 3, 2, 3)
    torch.testing.assert_close(maps, class_attention(network, clip)[:, :, 0].mean(2))


def test_rollout_follows_all_blocks():
    network, clip = make(depth=3), random_clip()
    maps = attention_rollout(network, clip)
    torch.testing.assert_close(maps.sum((-1, -2)), torch.ones(2, 3))
    last = class_attention(network, clip)[:, :, -1].mean(2)
    assert (maps - last).abs().max() > 1e-3


@pytest.mark.parametrize(("pool", "heads"), [("cls", 2), ("mean", 1)])
def test_temporal_attention_covers_the_frames(pool, heads):
    network, clip = make(pool=pool, heads=heads), random_clip()
    valid = torch.tensor([[False, True, True], [True, True, True]])
    maps = temporal_attention(network, clip, valid)
    assert maps.shape == (2, 3, heads, 3)
    assert (maps[0, ..., 0] == 0).all()
    assert (maps[valid[:, None, None].expand_as(maps)] > 0).all()
    total = maps.sum(-1)
    # the class token also looks at itself
    assert (total < 1).all() if pool == "cls" else (total - 1).abs().max() < 1e-5
