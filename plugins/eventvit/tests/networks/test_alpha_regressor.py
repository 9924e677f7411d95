from __future__ import annotations

import pytest
import torch

from lightning_face_eventvit.networks.alpha_regressor import AlphaRegressor
from lightning_face_eventvit.networks.event_vit import EventViT

SETTINGS = {"image_size": 8, "patch_size": 4, "dim": 8, "depth": 1, "heads": 2, "dim_head": 4}


def make(**settings):
    torch.manual_seed(0)
    return AlphaRegressor(**SETTINGS, **settings).eval()


def test_every_frame_has_coefficients():
    network = make(num_alphas=7)
    clip = torch.rand(2, 3, 1, 8, 8)
    assert network(clip).shape == (2, 3, 7)
    output = network.predict(clip)
    torch.testing.assert_close(output.alphas, network(clip))
    assert output.logits is None


def test_classes_are_told_from_the_frames_that_are_valid():
    network = make(num_classes=5)
    clip = torch.rand(1, 4, 1, 8, 8)
    valid = torch.tensor([[False, False, True, True]])
    whole, part = network.predict(clip, valid), network.predict(clip[:, 2:])
    assert whole.logits.shape == (1, 5)
    torch.testing.assert_close(whole.logits, part.logits)
    torch.testing.assert_close(whole.alphas[:, 2:], part.alphas)


def test_a_classifier_can_start_from_the_spatial_stage():
    source = make().state_dict()
    keys = EventViT(**SETTINGS).load_state_dict(source, strict=False)
    spatial = ("pos_", "cls_", "to_patch_", "spatial_")
    assert not any(key.startswith(spatial) for key in keys.missing_keys + keys.unexpected_keys)


@pytest.mark.parametrize("kind", ["none", "learned", "sincos", "rope"])
def test_positions_tell_a_clip_from_the_reversed_one(kind):
    network = make(temporal_pos=kind, max_frames=6)
    clip = torch.rand(1, 6, 1, 8, 8)
    start = make()(clip)
    # all kinds begin without an effect
    torch.testing.assert_close(network(clip), start)
    if kind != "none":
        torch.nn.init.normal_(next(network.temporal_position.parameters()))
    same = torch.allclose(network(clip.flip(1)).flip(1), network(clip), atol=1e-6)
    assert same == (kind == "none")
