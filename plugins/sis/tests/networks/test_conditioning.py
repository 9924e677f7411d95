from __future__ import annotations

import pytest
import torch

from lightning_face_sis.networks.conditioning import Conditioning
from lightning_face_sis.networks.label_pyramid import LabelPyramid
from lightning_face_sis.networks.semantic_unet import SemanticUNet

SETTINGS = {
    "num_classes": 3,
    "model_channels": 32,
    "num_res_blocks": 1,
    "channel_multipliers": (1, 2),
    "attention_resolutions": (2,),
    "context_dim": 10,
}


@pytest.fixture
def network(drawn):
    return drawn(SemanticUNet(**SETTINGS))


def given(batch=2, height=8, width=12, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return (
        torch.randn(batch, 3, height, width, generator=draw),
        torch.randint(1000, (batch,), generator=draw),
        torch.randn(batch, 3, 10, generator=draw),
        torch.randint(3, (batch, 1, 4 * height, 4 * width), generator=draw),
    )


@pytest.fixture
def counted(monkeypatch):
    """Names of what is computed of label maps and styles."""
    calls = []

    def count(owner, name):
        plain = getattr(owner, name)

        def counting(*arguments):
            calls.append(name)
            return plain(*arguments)

        monkeypatch.setattr(owner, name, counting)

    def watch(network):
        for module in network.modules():
            if hasattr(module, "modulation"):
                count(module, "modulation")
            if hasattr(module, "to_k") and hasattr(module, "prepare"):
                count(module, "prepare")
        return calls

    return watch


# 2 norms in each of 2 blocks of the middle and 4 on the way up; 4 transformers
MODULATIONS, ATTENTIONS = 12, 4


@torch.no_grad()
def test_prepared_steps_are_those_of_styles_and_labels(network, counted):
    latents, times, styles, labels = given()
    conditioning = network.prepare(styles, labels)
    calls = counted(network)
    for step in range(3):
        expected = network(latents + step, times, styles, labels)
        calls.clear()
        out = network(latents + step, times, conditioning=conditioning)
        assert calls.count("modulation") == (0 if step else MODULATIONS)
        assert calls.count("prepare") == (0 if step else ATTENTIONS)
        torch.testing.assert_close(out, expected)


@torch.no_grad()
@pytest.mark.parametrize("mask_attention", [False, True])
@pytest.mark.parametrize("soft", [False, True])
def test_all_kinds_can_be_prepared(drawn, soft, mask_attention):
    network = drawn(SemanticUNet(**SETTINGS, mask_attention=mask_attention))
    latents, times, styles, labels = given()
    if soft:
        labels = LabelPyramid(labels, 3).masks((32, 48)) * 0.5 + 0.1
    conditioning = network.prepare(styles, labels)
    for _ in range(2):
        out, logits = network(latents, times, conditioning=conditioning, with_logits=True)
    expected, expected_logits = network(latents, times, styles, labels, with_logits=True)
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close(logits, expected_logits)


@torch.no_grad()
def test_other_styles_keep_what_is_known_of_the_labels(network, counted):
    latents, times, styles, labels = given()
    first = network.prepare(styles, labels)
    network(latents, times, conditioning=first)
    calls = counted(network)
    second = first.replace_styles(styles.flip(1))
    out = network(latents, times, conditioning=second)
    assert calls.count("modulation") == 0
    assert calls.count("prepare") == ATTENTIONS
    torch.testing.assert_close(out, network(latents, times, styles.flip(1), labels))


@torch.no_grad()
@pytest.mark.parametrize("used_before", [False, True])
@pytest.mark.parametrize("kind", ["zeros", "null style", "soft"])
@pytest.mark.parametrize("batch", [1, 2])
def test_joined_conditionings_are_a_batch(network, batch, kind, used_before):
    latents, times, styles, labels = given(batch)
    plain = network.prepare(styles, labels)
    empty = torch.zeros(batch, 3, 32, 48)
    other = {
        "zeros": lambda: network.prepare(torch.zeros_like(styles), empty),
        "null style": lambda: plain.replace_styles(styles / 2),
        "soft": lambda: network.prepare(styles, empty + 0.3),
    }[kind]()
    if used_before:
        network(latents, times, conditioning=plain)
    both = Conditioning.cat([other, plain])
    assert both.batch_size == 2 * batch
    out = network(latents.repeat(2, 1, 1, 1), times.repeat(2), conditioning=both)
    expected = [network(latents, times, conditioning=each) for each in (other, plain)]
    torch.testing.assert_close(out, torch.cat(expected), atol=1e-5, rtol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("used_before", [False, True])
def test_labels_under_two_styles_are_read_once(network, counted, batch, used_before):
    latents, times, styles, labels = given(batch)
    plain = network.prepare(styles, labels)
    if used_before:
        network(latents, times, conditioning=plain)
    both = Conditioning.cat([plain.replace_styles(styles / 2), plain])
    calls = counted(network)
    network(latents.repeat(2, 1, 1, 1), times.repeat(2), conditioning=both)
    assert calls.count("modulation") == (0 if used_before else MODULATIONS)


@torch.no_grad()
def test_one_label_map_serves_many_pictures(network):
    latents, times, styles, labels = given()
    shared = network.prepare(styles, labels[:1])
    apart = network.prepare(styles, labels[:1].expand(2, -1, -1, -1))
    out = network(latents, times, conditioning=shared)
    torch.testing.assert_close(out, network(latents, times, conditioning=apart))
    one = network.prepare(styles[:1], labels[:1])
    many = network.prepare(styles[:1].repeat(2, 1, 1), labels[:1])
    out = network(latents, times, conditioning=one)
    torch.testing.assert_close(out, network(latents, times, conditioning=many))


def test_what_is_prepared_has_no_gradient(network):
    latents, times, styles, labels = given()
    conditioning = network.prepare(styles.requires_grad_(), labels)
    network(latents, times, conditioning=conditioning).sum().backward()
    assert styles.grad is None
    assert network.middle_block[0].in_norm.mlp_gamma.weight.grad is None
    assert network.middle_block[0].in_layers[1].weight.grad is not None


def test_prepared_steps_can_be_differentiated_several_times(network):
    latents, times, styles, labels = given()
    conditioning = network.prepare(styles, labels)
    for _ in range(2):
        network(latents.requires_grad_(), times, conditioning=conditioning).sum().backward()
    assert latents.grad.abs().sum() > 0


@torch.no_grad()
@pytest.mark.parametrize(
    "change",
    [
        lambda network: network.out[2].weight.add_(1),
        lambda network: network.load_state_dict(network.state_dict()),
        lambda network: network.bfloat16(),
    ],
)
def test_a_conditioning_is_refused_after_the_weights_have_changed(network, change):
    latents, times, styles, labels = given()
    conditioning = network.prepare(styles, labels)
    network(latents, times, conditioning=conditioning)
    change(network)
    fresh = network.prepare(styles, labels)
    network(latents, times, conditioning=fresh)
    for stale in (conditioning, conditioning.replace_styles(styles * 2)):
        with pytest.raises(ValueError, match="weights of the network have changed"):
            network(latents, times, conditioning=stale)
        with pytest.raises(ValueError, match="weights of the network have changed"):
            Conditioning.cat([fresh, stale])


@torch.no_grad()
def test_a_conditioning_belongs_to_one_network(network, drawn):
    latents, times, styles, labels = given()
    other = drawn(SemanticUNet(**SETTINGS))
    conditioning = network.prepare(styles, labels)
    with pytest.raises(ValueError, match="another network"):
        other(latents, times, conditioning=conditioning)
    with pytest.raises(ValueError, match="several networks"):
        Conditioning.cat([conditioning, other.prepare(styles, labels)])


@torch.no_grad()
def test_a_network_made_in_inference_mode_prepares_too(drawn):
    with torch.inference_mode():
        network = drawn(SemanticUNet(**SETTINGS))
        latents, times, styles, labels = given()
        out = network(latents, times, conditioning=network.prepare(styles, labels))
        torch.testing.assert_close(out, network(latents, times, styles, labels))


@torch.no_grad()
def test_shapes_that_do_not_fit_are_refused(network):
    latents, times, styles, labels = given()
    conditioning = network.prepare(styles, labels)
    with pytest.raises(ValueError, match="3 latents do not fit a conditioning of 2"):
        network(latents[:1].repeat(3, 1, 1, 1), times[:1].repeat(3), conditioning=conditioning)
    with pytest.raises(ValueError, match="different proportions"):
        network(latents.transpose(2, 3), times, conditioning=conditioning)
    with pytest.raises(ValueError, match=r"expected styles \(batch, 3, context_dim\)"):
        network.prepare(styles[:, :2], labels)
    with pytest.raises(ValueError, match="3 styles do not fit 2 label maps"):
        network.prepare(styles[:1].repeat(3, 1, 1), labels)


def test_styles_are_needed_where_they_are_looked_at(network):
    latents, times, styles, labels = given()
    bare = Conditioning(LabelPyramid(labels, 3))
    with pytest.raises(ValueError, match="needs styles"):
        network(latents, times, conditioning=bare)
    with pytest.raises(ValueError, match="without styles"):
        Conditioning.cat([bare, bare])
    shared = Conditioning(LabelPyramid(labels[:1], 3), styles)
    apart = Conditioning(LabelPyramid(labels, 3), styles)
    with pytest.raises(ValueError, match="cannot be joined with others"):
        Conditioning.cat([shared, apart])
