from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError, DataError
from lightning_face_eventvit.networks.event_vit import EventViT

SETTINGS = {"image_size": 8, "patch_size": 4, "num_classes": 5, "dim": 8, "depth": 1}
SETTINGS |= {"temporal_depth": 2, "heads": 2, "mlp_dim": 6, "dim_head": 4, "max_frames": 9}
KINDS = ["learned", "sincos", "rope"]


def make(temporal_pos, pool="cls"):
    torch.manual_seed(0)
    return EventViT(**SETTINGS, pool=pool, temporal_pos=temporal_pos).double().eval()


def used(network):
    """Give positions an effect."""
    for parameter in network.temporal_position.parameters():
        torch.nn.init.normal_(parameter)
    return network


@pytest.mark.parametrize("pool", ["cls", "mean"])
@pytest.mark.parametrize("kind", KINDS)
def test_positions_start_without_effect_but_with_a_gradient(kind, pool):
    plain, network = make("none", pool), make(kind, pool)
    keys = network.load_state_dict(plain.state_dict(), strict=False)
    assert [key.partition(".")[0] for key in keys.missing_keys] == ["temporal_position"]
    clip = torch.rand(2, 6, 1, 8, 8, dtype=torch.float64)
    torch.testing.assert_close(network(clip), plain(clip))
    network(clip).sin().sum().backward()
    assert all(each.grad.any() for each in network.temporal_position.parameters())


@pytest.mark.parametrize("pool", ["cls", "mean"])
@pytest.mark.parametrize("kind", ["none", *KINDS])
def test_without_positions_the_order_of_frames_has_no_effect_and_with_them_it_has(kind, pool):
    network = make(kind, pool) if kind == "none" else used(make(kind, pool))
    clip = torch.rand(1, 6, 1, 8, 8, dtype=torch.float64)
    change = (network(clip) - network(clip.flip(1))).abs().max()
    assert change < 1e-12 if kind == "none" else change > 1e-4


@pytest.mark.parametrize("pool", ["cls", "mean"])
@pytest.mark.parametrize("kind", ["none", *KINDS])
def test_hidden_padding_in_front_has_no_effect(kind, pool):
    network = make(kind, pool) if kind == "none" else used(make(kind, pool))
    clip = torch.rand(1, 5, 1, 8, 8, dtype=torch.float64)
    padded = torch.cat([torch.zeros(1, 4, 1, 8, 8, dtype=torch.float64), clip], dim=1)
    valid = torch.arange(9)[None] >= 4
    torch.testing.assert_close(network(padded, valid), network(clip))


def test_a_clip_longer_than_the_table_is_refused():
    with pytest.raises(DataError, match=r"10 frames.*max_frames, 9"):
        make("learned")(torch.rand(1, 10, 1, 8, 8, dtype=torch.float64))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temporal_pos": "sincos", "dim": 7}, "even dim, not 7"),
        ({"temporal_pos": "rope", "dim_head": 5}, "even dim_head, not 5"),
        ({"temporal_pos": "sine"}, "none, learned, sincos or rope, not 'sine'"),
    ],
)
def test_positions_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        EventViT(**{**SETTINGS, **settings})
