from __future__ import annotations

import pytest
import torch

from lightning_face_sis.networks.first_stage_names import (
    first_stage_key_map,
    first_stage_shapes,
    published_first_stage_shapes,
)
from lightning_face_sis.networks.vq_first_stage import VQFirstStage

SETTINGS = {
    "num_embeddings": 16,
    "channels": 32,
    "channel_multipliers": (1, 1, 2),
    "num_res_blocks": 1,
    "attention_resolutions": (64,),
}


@pytest.fixture(scope="module")
def network():
    return VQFirstStage(**SETTINGS)


@pytest.mark.parametrize(
    ("published", "ours"),
    [
        ("encoder.conv_in.weight", "encoder.conv_in.weight"),
        ("encoder.down.1.block.0.norm1.bias", "encoder.down_blocks.1.resnets.0.norm1.bias"),
        ("encoder.down.2.attn.0.k.weight", "encoder.down_blocks.2.attentions.0.to_k.weight"),
        ("encoder.down.0.downsample.conv.bias", "encoder.down_blocks.0.downsamplers.0.conv.bias"),
        ("decoder.up.2.block.1.conv2.bias", "decoder.up_blocks.0.resnets.1.conv2.bias"),
        ("decoder.up.2.attn.0.norm.bias", "decoder.up_blocks.0.attentions.0.group_norm.bias"),
        ("decoder.up.1.upsample.conv.weight", "decoder.up_blocks.1.upsamplers.0.conv.weight"),
        (
            "decoder.up.1.block.0.nin_shortcut.bias",
            "decoder.up_blocks.1.resnets.0.conv_shortcut.bias",
        ),
        ("encoder.mid.block_2.norm2.weight", "encoder.mid_block.resnets.1.norm2.weight"),
        ("decoder.mid.attn_1.proj_out.weight", "decoder.mid_block.attentions.0.to_out.0.weight"),
        ("decoder.norm_out.weight", "decoder.conv_norm_out.weight"),
        ("quantize.embedding.weight", "quantize.embedding.weight"),
        ("post_quant_conv.bias", "post_quant_conv.bias"),
    ],
)
def test_names_are_those_of_the_published_code(network, published, ours):
    names = first_stage_key_map(network, "first_stage_model.")
    assert names.get(f"first_stage_model.{published}") == f"autoencoder.{ours}"


def test_every_tensor_has_one_name(network):
    names = first_stage_key_map(network)
    assert list(names.values()) == list(network.state_dict())
    assert not any("block." in name and "blocks" in name for name in names)


def test_weights_of_attention_are_convolutions_where_they_are_published(network):
    names = first_stage_key_map(network, "first_stage_model.")
    ours = {name: network.state_dict()[own] for name, own in names.items()}
    published = published_first_stage_shapes(ours)
    wide = {name for name in ours if ours[name].shape != published[name].shape}
    # in both middles, in one block of the encoder and two of the decoder
    assert len(wide) == 4 * (2 + 1 + 2)
    assert published["first_stage_model.decoder.mid.attn_1.q.weight"].shape == (64, 64, 1, 1)
    back = first_stage_shapes(published)
    assert all(torch.equal(back[name], ours[name]) for name in ours)
