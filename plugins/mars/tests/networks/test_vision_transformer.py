from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face_mars.networks.vision_transformer import VisionTransformer


def make(image_size=64, **settings):
    torch.manual_seed(0)
    network = VisionTransformer(image_size, 16, 32, 2, 4, **settings)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.2)
    return network.eval()


def noise_of(batch, patches):
    return torch.rand(batch, patches, generator=torch.Generator().manual_seed(3))


@torch.no_grad()
def test_tokens_equal_those_of_transformers(pictures):
    transformers = pytest.importorskip("transformers")
    ours = make()
    config = transformers.ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        image_size=64,
        patch_size=16,
        layer_norm_eps=1e-6,
    )
    theirs = transformers.ViTModel(config, add_pooling_layer=False).eval()
    values = {}
    for name, value in ours.state_dict().items():
        if ".attn.qkv." in name:
            kind = name.rsplit(".", 1)[1]
            block = name.split(".")[1]
            for part, each in zip("qkv", value.chunk(3), strict=True):
                values[f"layers.{block}.attention.{part}_proj.{kind}"] = each
            continue
        for old, new in {
            "blocks.": "layers.",
            "attn.proj": "attention.o_proj",
            "norm1": "layernorm_before",
            "norm2": "layernorm_after",
            "patch_embed.proj": "embeddings.patch_embeddings.projection",
            "pos_embed": "embeddings.position_embeddings",
            "cls_token": "embeddings.cls_token",
        }.items():
            name = name.replace(old, new)
        values["layernorm" + name[4:] if name.startswith("norm.") else name] = value
    theirs.load_state_dict(values)
    expected = theirs(pictures).last_hidden_state
    torch.testing.assert_close(ours(pictures), expected, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_with_no_patch_removed_the_masked_path_is_a_change_of_order(pictures):
    network = make()
    tokens, mask, restore = network.forward_masked(pictures, 0.0, noise_of(3, 16))
    assert mask.sum() == 0
    restored = tokens[:, 1:].gather(1, restore[:, :, None].expand(-1, -1, 32))
    whole = network(pictures)
    torch.testing.assert_close(restored, whole[:, 1:], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(tokens[:, 0], whole[:, 0], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_removed_patches_are_not_seen(pictures):
    network, noise = make(), noise_of(3, 16)
    tokens, mask, _ = network.forward_masked(pictures, 0.75, noise)
    pixels = mask.view(3, 1, 4, 4).repeat_interleave(16, 2).repeat_interleave(16, 3)
    assert mask.sum(dim=1).tolist() == [12, 12, 12]
    again = network.forward_masked(pictures * (1 - pixels), 0.75, noise).tokens
    torch.testing.assert_close(tokens, again)
    assert not torch.allclose(tokens, network.forward_masked(-pictures, 0.75, noise).tokens)


@torch.no_grad()
def test_kept_patches_lie_in_the_order_of_their_noise(pictures):
    network, noise = make(), noise_of(3, 16)
    _, mask, restore = network.forward_masked(pictures, 0.75, noise)
    smallest = noise.argsort(dim=1)[:, :4]
    assert torch.equal(mask.gather(1, smallest), torch.zeros(3, 4))
    assert torch.equal(restore.gather(1, smallest), torch.arange(4).expand(3, 4))


@pytest.mark.parametrize(("ratio", "kept"), [(0.75, 25), (0.9, 9), (0.5, 50)])
@torch.no_grad()
def test_number_of_kept_patches_is_cut_to_a_whole_number(ratio, kept):
    # 100 * (1 - 0.9) is a little below 10
    images, network = torch.zeros(1, 3, 160, 160), make(160)
    masked = network.forward_masked(images, ratio, noise_of(1, 100))
    assert masked.tokens.shape == (1, 1 + kept, 32)
    assert masked.mask.sum() == 100 - kept


@pytest.mark.parametrize("sizes", [(60, 16, 32, 1, 4), (64, 16, 30, 1, 4)])
def test_sizes_that_do_not_fit_are_refused(sizes):
    with pytest.raises(ConfigError, match="multiple"):
        VisionTransformer(*sizes)


def test_new_weights_are_small_and_biases_zero():
    torch.manual_seed(0)
    network = VisionTransformer(64, 16, 64, 1, 4)
    weight = network.blocks[0].mlp.fc1.weight
    assert weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert network.pos_embed.std().item() == pytest.approx(0.02, rel=0.1)
    assert network.blocks[0].attn.qkv.bias.abs().max() == 0
