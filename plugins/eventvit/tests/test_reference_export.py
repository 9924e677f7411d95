from __future__ import annotations

import pytest
import torch

from lightning_face.errors import WeightsError
from lightning_face_eventvit.importer import build_fusion
from lightning_face_eventvit.networks.event_vit import EventViT
from lightning_face_eventvit.reference_export import export_reference

SETTINGS = {"image_size": (8, 24), "patch_size": 8, "num_classes": 5, "dim": 8, "depth": 1}
SETTINGS |= {"temporal_depth": 1, "heads": 2, "dim_head": 4}

# parameters of the published networks, and those of them that are trained
PUBLISHED = {
    "early": (912_924, None),
    "middle": (3_136_852, None),
    "late": (2_167_020, None),
    "privileged-rgb": (2_167_020, 1_338_576),
    "privileged-event": (2_335_980, 1_676_496),
}


@pytest.mark.parametrize("kind", PUBLISHED)
def test_idle_parts_are_filled_up_to_the_published_size(kind):
    network = build_fusion(kind, {})
    tensors = export_reference(network.state_dict(), kind)
    total, trained = PUBLISHED[kind]
    assert sum(value.numel() for value in tensors.values()) == total
    assert all(value.isfinite().all() for value in tensors.values())
    if trained is not None:
        # the idle heads of the trained networks are counted in the published number
        heads = 2 * (2 * 64 + 24 * 65)
        ours = sum(each.numel() for each in network.parameters() if each.requires_grad)
        assert ours == trained - heads


def test_published_prefixes():
    names = {
        kind: {
            key.partition(".")[0]
            for key in export_reference(build_fusion(kind, {}).state_dict(), kind)
        }
        for kind in PUBLISHED
    }
    late = {"priviledged_mod", "original_mod", "hall_model", "fc"}
    assert names == {
        "early": {"original_mod"},
        "middle": {"backbone_event", "backbone_rgb", "temporal_encoder"},
        "late": late,
        "privileged-rgb": late,
        "privileged-event": {"model_event", "model_rgb", "model_rgb2", "fc"},
    }


def test_start_values_are_always_the_same():
    state = build_fusion("late", SETTINGS).state_dict()
    first, second = (export_reference(state, "late", dim_head=4) for _ in range(2))
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[key]) for key, value in first.items())


def test_positions_without_effect_are_left_out_and_others_refused():
    network = EventViT(**SETTINGS, temporal_pos="learned")
    plain = EventViT(**SETTINGS).state_dict()
    assert export_reference(network.state_dict()).keys() == plain.keys()
    torch.nn.init.ones_(network.temporal_position.table)
    with pytest.raises(WeightsError, match=r"temporal_position\.table is in use"):
        export_reference(network.state_dict())
