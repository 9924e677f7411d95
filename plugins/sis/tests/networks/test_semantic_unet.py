from __future__ import annotations

import math

import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face_sis.networks.label_pyramid import LabelPyramid
from lightning_face_sis.networks.semantic_unet import SemanticUNet, timestep_embedding

SMALL = {
    "num_classes": 3,
    "model_channels": 32,
    "num_res_blocks": 1,
    "channel_multipliers": (1, 2),
    "attention_resolutions": (2,),
    "context_dim": 10,
}


def given(batch=2, height=8, width=12, dim=10, classes=3):
    draw = torch.Generator().manual_seed(0)
    return (
        torch.randn(batch, 3, height, width, generator=draw),
        torch.randint(1000, (batch,), generator=draw),
        torch.randn(batch, classes, dim, generator=draw),
        torch.randint(classes, (batch, 1, 4 * height, 4 * width), generator=draw),
    )


@pytest.fixture
def network(drawn):
    return drawn(SemanticUNet(**SMALL))


def test_published_size():
    with torch.device("meta"):
        network = SemanticUNet()
    assert sum(each.numel() for each in network.parameters()) == 486_912_387
    assert len(network.state_dict()) == 801
    shapes = {name: tuple(each.shape) for name, each in network.named_parameters()}
    assert shapes["input_blocks.3.0.op.weight"] == (224, 224, 3, 3)
    assert shapes["input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight"] == (448, 1280)
    assert shapes["output_blocks.5.0.in_norm.mlp_gamma.weight"] == (1120, 128, 3, 3)
    assert shapes["output_blocks.8.2.conv.weight"] == (448, 448, 3, 3)
    assert shapes["label_emb.weight"] == (19, 896)
    assert "output_blocks.9.1.norm.weight" not in shapes


def test_a_new_network_predicts_nothing():
    assert SemanticUNet(**SMALL)(*given()).abs().max() == 0


@torch.no_grad()
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"mask_attention": False},
        {"use_scale_shift_norm": True, "resblock_updown": True},
        {"transformer_depth": 2, "head_dim": 16},
        {"channel_multipliers": (1, 1, 2), "attention_resolutions": (4, 1), "num_res_blocks": 2},
        {"attention_resolutions": ()},
        {"out_channels": 6, "in_channels": 3},
    ],
)
def test_every_setting_gives_a_network_that_uses_all_inputs(drawn, settings):
    network = drawn(SemanticUNet(**SMALL | settings))
    latents, times, styles, labels = given()
    out = network(latents, times, styles, labels)
    assert out.shape == (2, settings.get("out_channels", 3), 8, 12)
    for other in (
        (latents.flip(2), times, styles, labels),
        (latents, times.flip(0), styles, labels),
        (latents, times, styles.flip(2), labels),
        (latents, times, styles, labels.flip(2)),
    ):
        assert (network(*other) - out).abs().max() > 1e-3


@torch.no_grad()
def test_pictures_of_a_batch_do_not_know_each_other(network):
    latents, times, styles, labels = given()
    out = network(latents, times, styles, labels)
    one = network(latents[1:], times[1:], styles[1:], labels[1:])
    torch.testing.assert_close(one, out[1:], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_labels_are_class_numbers_or_masks(network):
    latents, times, styles, labels = given()
    masks = LabelPyramid(labels, 3).masks((32, 48))
    expected = network(latents, times, styles, labels)
    for each in (masks, labels.to(torch.uint8)):
        torch.testing.assert_close(network(latents, times, styles, each), expected)


@torch.no_grad()
def test_soft_masks_lie_between_the_hard_ones(network):
    latents, times, styles, labels = given()
    masks = LabelPyramid(labels, 3).masks((32, 48))
    hard = network(latents, times, styles, masks)
    near = network(latents, times, styles, masks * 0.999)
    far = network(latents, times, styles, masks * 0.5 + 1 / 6)
    assert 0 < (near - hard).abs().max() < 0.1 * (far - hard).abs().max()


@torch.no_grad()
def test_logits_come_in_the_order_of_the_way_through_the_network(network):
    inputs = given()
    out, logits = network(*inputs, with_logits=True)
    torch.testing.assert_close(out, network(*inputs))
    # one on the way down, the middle, two on the way up
    assert [each.grid for each in logits] == [(4, 6)] * 4
    assert all(each.logits.shape == (2, 2, 24, 3) for each in logits)
    names = [name for name, _ in network.named_modules() if name.endswith("attn2")]
    order = [name.split(".")[0] for name in names]
    assert order == ["input_blocks", "middle_block", "output_blocks", "output_blocks"]


def test_dead_parameters_are_those_without_gradient(network):
    network.train()(*given()).square().mean().backward()
    without = {name for name, each in network.named_parameters() if each.grad is None}
    assert without == set(network.dead_parameters())
    assert sum("attn2.to_q" in name for name in without) == 4


@pytest.mark.parametrize("mask_attention", [False, True])
def test_a_loss_of_the_logits_reaches_queries_and_keys(drawn, mask_attention):
    network = drawn(SemanticUNet(**SMALL, mask_attention=mask_attention))
    out, logits = network(*given(), with_logits=True)
    loss = out.square().mean() + sum(each.logits.square().mean() for each in logits)
    loss.backward()
    without = [name for name, each in network.named_parameters() if each.grad is None]
    assert without == ["label_emb.weight"] == network.dead_parameters(attention_loss=True)
    if not mask_attention:
        assert network.dead_parameters() == without


@pytest.mark.parametrize("kept", ["transformer", "all"])
@pytest.mark.parametrize("with_logits", [False, True])
def test_checkpointing_changes_no_gradient(drawn, kept, with_logits):
    gradients, counts = [], []
    for how in ("none", kept):
        network = drawn(SemanticUNet(**SMALL, dropout=0.3, activation_checkpointing=how)).train()
        latents, times, styles, labels = given()
        styles.requires_grad_()
        torch.manual_seed(0)
        found = network(latents, times, styles, labels, with_logits=with_logits)
        out, logits = found if with_logits else (found, [])
        loss = out.square().mean() + sum(each.logits.square().mean() for each in logits)
        loss.backward()
        counts.append(len(logits))
        named = dict(network.named_parameters())
        gradients.append({n: p.grad for n, p in named.items() if p.grad is not None})
        gradients[-1]["styles"] = styles.grad
    assert counts[0] == counts[1]
    torch.testing.assert_close(gradients[0], gradients[1])


def test_checkpointing_saves_activations(drawn):
    saved = {}
    for how in ("none", "transformer", "all"):
        network = drawn(SemanticUNet(**SMALL, activation_checkpointing=how)).train()
        sizes = {}

        def keep(tensor, sizes=sizes):
            sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        own = {each.untyped_storage().data_ptr() for each in network.parameters()}
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            network(*given()).sum()
        saved[how] = sum(size for pointer, size in sizes.items() if pointer not in own)
    assert saved["all"] < saved["transformer"] < saved["none"]


@torch.no_grad()
@pytest.mark.parametrize("prepared", [False, True])
def test_half_precision_weights_and_autocast_give_the_precision_of_the_latents(drawn, prepared):
    network = drawn(SemanticUNet(**SMALL))
    latents, times, styles, labels = given()
    expected = network(latents, times, styles, labels)

    def predict():
        if prepared:
            return network(latents, times, conditioning=network.prepare(styles, labels))
        return network(latents, times, styles, labels)

    with torch.autocast("cpu", torch.bfloat16):
        mixed = predict()
    network.bfloat16()
    for out in (mixed, predict()):
        assert out.dtype == torch.float32
        assert 0 < (out - expected).norm() < 0.05 * expected.norm()


@torch.no_grad()
def test_order_of_the_weights_in_memory_does_not_matter(network):
    expected = network(*given())
    network.to(memory_format=torch.channels_last)
    torch.testing.assert_close(network(*given()), expected, atol=1e-5, rtol=1e-4)


def test_times_are_written_as_cosines_then_sines():
    found = timestep_embedding(torch.tensor([0, 501]), 8)
    torch.testing.assert_close(found[0], torch.tensor([1.0] * 4 + [0.0] * 4))
    angles = [501 * 10000 ** (-i / 4) for i in range(4)]
    expected = [math.cos(x) for x in angles] + [math.sin(x) for x in angles]
    torch.testing.assert_close(found[1], torch.tensor(expected), atol=1e-4, rtol=0)


def test_latents_that_cannot_be_halved_are_refused(network):
    latents, times, styles, labels = given(height=7)
    with pytest.raises(ValueError, match=r"latents of 7x12 .* multiples of 2"):
        network(latents, times, styles, labels)


def test_conditions_are_given_once(network):
    latents, times, styles, labels = given()
    with pytest.raises(ValueError, match="needs styles and labels, or a conditioning"):
        network(latents, times, styles)
    with pytest.raises(ValueError, match="one or the other"):
        network(latents, times, styles, conditioning=network.prepare(styles, labels))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model_channels": 40}, "multiple of 32"),
        ({"head_dim": 48}, "head_dim=48"),
        ({"channel_multipliers": (2, 1)}, "must begin with 1"),
        ({"channel_multipliers": ()}, "must begin with 1"),
        ({"activation_checkpointing": "some"}, "must be none, transformer or all"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, words):
    with pytest.raises(ConfigError, match=words):
        SemanticUNet(**SMALL | settings)
