from __future__ import annotations

import pytest
import torch

from lightning_face.errors import WeightsError
from lightning_face_eventvit.config_inference import infer_config
from lightning_face_eventvit.networks.event_vit import EventViT

SMALL = {"image_size": 32, "patch_size": 8, "num_classes": 7, "dim": 32, "depth": 2}
SMALL |= {"temporal_depth": 1, "heads": 2, "mlp_dim": 24, "dim_head": 16, "channels": 2}
PUBLISHED = {"image_size": 224, "patch_size": 16, "num_classes": 24, "dim": 64, "depth": 4}
PUBLISHED |= {"temporal_depth": 4, "heads": 4, "mlp_dim": 32, "dim_head": 64, "channels": 1}


def infer(settings, **known):
    with torch.device("meta"):
        return infer_config(EventViT(**settings).state_dict(), **known)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("pool", ["cls", "mean"])
def test_published_sizes_need_no_help(pool, channels):
    settings = {**PUBLISHED, "pool": pool, "channels": channels}
    assert infer(settings) == settings


@pytest.mark.parametrize(
    ("settings", "known"),
    [
        ({}, {}),
        ({"channels": 1}, {}),
        ({"channels": 3}, {}),
        ({"num_classes": 0}, {}),
        ({"image_size": (24, 40)}, {"image_size": (24, 40)}),
        ({"image_size": (24, 40), "channels": 4}, {"image_size": (24, 40)}),
        ({"image_size": 112, "channels": 4}, {"image_size": 112}),
        ({"image_size": 112, "channels": 4}, {"channels": 4}),
        ({"temporal_pos": "learned", "max_frames": 9}, {}),
        ({"temporal_pos": "sincos"}, {}),
        ({"temporal_pos": "rope"}, {}),
    ],
)
def test_other_sizes_are_read_off_the_shapes(settings, known):
    settings = {**SMALL, "pool": "cls", **settings}
    assert infer(settings, dim_head=16, **known) == settings


def test_one_head_as_wide_as_a_token_is_known_by_its_missing_map():
    settings = {**SMALL, "pool": "cls", "heads": 1, "dim_head": 32}
    assert infer(settings) == settings


@pytest.mark.parametrize(
    ("settings", "known", "message"),
    [
        ({}, {}, "inner width of 32.*give dim_head"),
        ({"dim": 64, "dim_head": 32}, {}, "inner width of 64.*give dim_head"),
        ({"image_size": (24, 40)}, {"dim_head": 16}, "15 patches.*give image_size"),
        ({}, {"dim_head": 16, "image_size": 64}, "64x64 pixels.*right image_size"),
        ({}, {"dim_head": 16, "channels": 3}, "128 values do not make"),
    ],
)
def test_what_the_shapes_leave_open_is_asked_for(settings, known, message):
    with pytest.raises(WeightsError, match=message):
        infer({**SMALL, **settings}, **known)


def test_a_missing_tensor_is_named():
    with torch.device("meta"):
        tensors = EventViT(**SMALL).state_dict()
    del tensors["spatial_transformer.layers.0.0.to_qkv.weight"]
    with pytest.raises(WeightsError, match=r"spatial_transformer\.layers\.0\.0\.to_qkv\.weight"):
        infer_config(tensors)
