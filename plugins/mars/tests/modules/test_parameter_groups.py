"""The four groups of the published optimiser."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lightning_face_mars.modules.parameter_groups import parameter_groups


def parameter(*shape: int, trained: bool = True) -> nn.Parameter:
    return nn.Parameter(torch.zeros(shape), requires_grad=trained)


NAMED = {
    "temp": parameter(),
    "visual_encoder.cls_token": parameter(1, 1, 4),
    "visual_encoder.norm.weight": parameter(4),
    "visual_encoder.blocks.0.attn.qkv.weight": parameter(12, 4),
    "visual_encoder.blocks.0.attn.qkv.bias": parameter(12),
    "visual_decoder_pos_embed": parameter(5, 4),
    "prd_head.weight": parameter(2, 4),
    "prd_head.bias": parameter(2),
    "mrtd_head.weight": parameter(2, 4),
    "visual_encoder_m.cls_token": parameter(1, 1, 4, trained=False),
}


def test_groups_are_those_of_the_published_code():
    groups = parameter_groups(NAMED.items(), lr=1e-5, head_lr=1e-4, weight_decay=0.02)
    kept = ["visual_encoder.norm.weight", "visual_encoder.blocks.0.attn.qkv.bias"]
    decayed = [
        *("temp", "visual_encoder.cls_token", "visual_encoder.blocks.0.attn.qkv.weight"),
        "visual_decoder_pos_embed",
    ]
    heads = ["prd_head.weight", "mrtd_head.weight"]
    assert [group["names"] for group in groups] == [kept, decayed, ["prd_head.bias"], heads]
    assert [group["lr"] for group in groups] == [1e-5, 1e-5, 1e-4, 1e-4]
    assert [group["weight_decay"] for group in groups] == [0.0, 0.02, 0.0, 0.02]


def test_temperature_can_be_kept_from_decay():
    groups = parameter_groups(NAMED.items(), 1e-5, 1e-4, 0.02, decay_temperature=False)
    assert "temp" in groups[0]["names"]
    assert "temp" not in groups[1]["names"]


@pytest.mark.parametrize("word", ["prd", "mrtd"])
def test_groups_without_weights_are_left_out(word):
    named = {name: each for name, each in NAMED.items() if word in name}
    groups = parameter_groups(named.items(), 1e-5, 1e-4, 0.02)
    assert {group["lr"] for group in groups} == {1e-4}
