from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError, DataError
from lightning_face_eventvit.networks.fusion import (
    EarlyFusion,
    LateFusion,
    MiddleFusion,
    PrivilegedFusion,
)

SETTINGS = {"patch_size": 4, "num_classes": 5, "dim": 8, "depth": 2, "temporal_depth": 2}
SETTINGS |= {"image_size": 8, "heads": 2, "mlp_dim": 6, "dim_head": 4}


@pytest.fixture
def clips():
    torch.manual_seed(1)
    return torch.rand(2, 3, 1, 8, 8), torch.rand(2, 3, 3, 8, 8)


def make(cls, *words, **settings):
    torch.manual_seed(0)
    return cls(*words, **{**SETTINGS, **settings}).eval()


def test_late_fusion_joins_event_features_and_rgb_features(clips):
    network, (event, rgb) = make(LateFusion), clips
    output = network(event, rgb)
    features = torch.cat([network.event.features(event), network.rgb.features(rgb)], dim=1)
    torch.testing.assert_close(output.logits, network.fc(features))
    torch.testing.assert_close(torch.cat([output.original, output.privileged], 1), features)
    assert output.hallucinated is None


@pytest.mark.parametrize(("head", "width"), [("linear", 5), ("features", 8)])
def test_early_fusion_sees_the_event_channel_first(clips, head, width):
    network, (event, rgb) = make(EarlyFusion, head=head), clips
    logits = network(event, rgb).logits
    assert logits.shape == (2, width)
    torch.testing.assert_close(logits, network.vit(torch.cat([event, rgb], dim=2)))


@pytest.mark.parametrize("pool", ["cls", "mean"])
def test_middle_fusion_sees_rgb_tokens_first(clips, pool):
    network, (event, rgb) = make(MiddleFusion, pool=pool), clips
    tokens = torch.cat([network.rgb.frame_tokens(rgb), network.event.frame_tokens(event)], dim=2)
    assert tokens.shape == (2, 3, 16)
    expected = network.head(network.temporal_features(tokens))
    torch.testing.assert_close(network(event, rgb).logits, expected)


@pytest.mark.parametrize("privileged", ["rgb", "event"])
def test_privileged_fusion_predicts_without_the_privileged_modality(clips, privileged):
    network, (event, rgb) = make(PrivilegedFusion, privileged), clips
    kept, dropped = (event, rgb) if privileged == "rgb" else (rgb, event)
    output = network(event, rgb)
    torch.testing.assert_close(network.predict(kept), output.logits)
    torch.testing.assert_close(output.privileged, network.privileged.features(dropped))
    torch.testing.assert_close(output.original, network.original.features(kept))
    torch.testing.assert_close(output.hallucinated, network.hallucination.features(kept))
    joined = torch.cat([output.original, output.hallucinated], dim=1)
    torch.testing.assert_close(output.logits, network.fc(joined))


@pytest.mark.parametrize("privileged", ["rgb", "event"])
def test_training_leaves_the_privileged_network_as_it_was(clips, privileged):
    network = make(PrivilegedFusion, privileged).train()
    before = {name: value.clone() for name, value in network.privileged.state_dict().items()}
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1, weight_decay=0.5)
    output = network(*clips)
    loss = output.logits.square().mean() + (output.hallucinated - output.privileged).square().mean()
    loss.backward()
    optimizer.step()
    after = network.privileged.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    trained = [each for each in network.parameters() if each.requires_grad]
    assert all(each.grad is not None for each in trained)
    whole = sum(each.numel() for each in network.parameters())
    assert sum(each.numel() for each in trained) == whole - sum(map(torch.numel, before.values()))


@pytest.mark.parametrize(("privileged_dropout", "same"), [(False, True), (True, False)])
def test_dropout_disturbs_the_privileged_features_only_on_demand(clips, privileged_dropout, same):
    settings = {"privileged_dropout": privileged_dropout, "dropout": 0.5}
    network = make(PrivilegedFusion, **settings).train()
    first, second = network(*clips), network(*clips)
    assert torch.equal(first.privileged, second.privileged) is same
    assert not torch.equal(first.hallucinated, second.hallucinated)


@pytest.mark.parametrize("cls", [LateFusion, EarlyFusion, MiddleFusion, PrivilegedFusion])
def test_every_trained_parameter_is_used(clips, cls):
    network = make(cls)
    output = network(*clips)
    output.logits.square().sum().backward()
    idle = [name for name, each in network.named_parameters() if each.requires_grad]
    idle = [name for name in idle if network.get_parameter(name).grad is None]
    assert idle == []


@pytest.mark.parametrize("cls", [LateFusion, EarlyFusion, MiddleFusion, PrivilegedFusion])
def test_padding_has_no_effect_where_it_is_not_valid(clips, cls):
    network, (event, rgb) = make(cls), clips
    valid = torch.tensor([[False, True, True], [True, True, True]])
    other_event, other_rgb = event.clone(), rgb.clone()
    other_event[0, 0], other_rgb[0, 0] = 0.5, 0.5
    expected = network(event, rgb, valid).logits
    torch.testing.assert_close(network(other_event, other_rgb, valid).logits, expected)


@pytest.mark.parametrize(
    ("cls", "settings", "message"),
    [
        (EarlyFusion, {"head": "mlp"}, "head is linear or features, not 'mlp'"),
        (PrivilegedFusion, {"privileged": "depth"}, "privileged is rgb or event, not 'depth'"),
    ],
)
def test_settings_that_cannot_be_are_refused(cls, settings, message):
    with pytest.raises(ConfigError, match=message):
        make(cls, **settings)


def test_bytes_and_floats_are_not_mixed_in_one_frame(clips):
    event, rgb = clips
    with pytest.raises(DataError, match=r"torch\.float32 and RGB frames torch\.uint8"):
        make(EarlyFusion)(event, (rgb * 255).to(torch.uint8))
