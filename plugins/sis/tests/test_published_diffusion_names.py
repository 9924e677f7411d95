from __future__ import annotations

import pytest
import torch

from lightning_face_sis.diffusion.noise_schedule import NoiseSchedule
from lightning_face_sis.diffusion_importer import export_sca_dm
from lightning_face_sis.networks.semantic_diffusion import SemanticDiffusion
from lightning_face_sis.published_diffusion_names import (
    averaged_name,
    diffusion_key_map,
    infer_diffusion_config,
)

SMALL = {
    "unet": {
        "num_classes": 5,
        "in_channels": 3,
        "out_channels": 3,
        "model_channels": 32,
        "num_res_blocks": 2,
        "channel_multipliers": (1, 2, 3),
        "attention_resolutions": (4, 2),
        "context_dim": 24,
        "transformer_depth": 1,
        "use_scale_shift_norm": False,
        "resblock_updown": False,
    },
    "style_encoder": {
        "num_classes": 5,
        "style_dim": 8,
        "num_features": 2,
        "num_downsamplings": 4,
        "num_upsamplings": 3,
        "skip_layout": "reference",
    },
    "first_stage": {
        "num_embeddings": 16,
        "latent_channels": 3,
        "channels": 32,
        "channel_multipliers": (1, 2),
        "num_res_blocks": 1,
    },
    "schedule": {"num_timesteps": 1000, "linear_start": 0.0015, "linear_end": 0.0195},
}


def build(config):
    # only noise levels are looked at
    with torch.device("meta"):
        network = SemanticDiffusion.from_config(config)

    network.schedule = NoiseSchedule(**config["schedule"])
    return network


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("unet", {}),
        ("unet", {"use_scale_shift_norm": True}),
        ("unet", {"resblock_updown": True}),
        ("unet", {"resblock_updown": True, "use_scale_shift_norm": True, "num_res_blocks": 1}),
        ("unet", {"attention_resolutions": ()}),
        ("unet", {"attention_resolutions": (4, 2, 1), "transformer_depth": 2}),
        ("unet", {"channel_multipliers": (1,), "attention_resolutions": (1,)}),
        ("unet", {"channel_multipliers": (1, 1), "attention_resolutions": (2,)}),
        ("unet", {"num_res_blocks": 3, "model_channels": 64}),
        ("unet", {"in_channels": 4, "out_channels": 8}),
        ("first_stage", {"channel_multipliers": (1, 2, 4), "num_res_blocks": 2}),
        ("first_stage", {"attention_resolutions": (128,), "resolution": 256}),
        ("style_encoder", {"num_features": 4, "style_dim": 6, "num_upsamplings": 4}),
        ("schedule", {"num_timesteps": 200, "linear_start": 0.00085, "linear_end": 0.012}),
    ],
)
def test_settings_follow_from_the_tensors(part, changes):
    config = {**SMALL, part: SMALL[part] | changes}
    assert infer_diffusion_config(export_sca_dm(build(config))) == config


def test_the_published_model_has_as_many_tensors_as_its_checkpoint():
    config = {"unet": {}, "style_encoder": {}, "first_stage": {}, "schedule": {}}
    network = build(config)
    tensors = export_sca_dm(network)
    groups = {
        "model.diffusion_model.": (801, 486_912_387),
        "first_stage_model.": (205, 55_322_782),
        "cond_stage_model.": (58, 18_069_304),
    }
    for prefix, (count, numbers) in groups.items():
        found = [each for name, each in tensors.items() if name.startswith(prefix)]
        assert (len(found), sum(each.numel() for each in found)) == (count, numbers)
    averaged = [name for name in diffusion_key_map(network, averaged=True) if "_ema." in name]
    # with the two counters of the average
    assert len(tensors) + len(averaged) + 2 == 1879
    found = infer_diffusion_config(tensors)
    assert found["unet"]["channel_multipliers"] == (1, 2, 3, 4)
    assert found["unet"]["attention_resolutions"] == (8, 4, 2)
    assert found["style_encoder"]["num_features"] == 4


def test_averages_have_names_without_dots():
    assert averaged_name("input_blocks.1.0.in_layers.0.weight") == (
        "model_ema.diffusion_modelinput_blocks10in_layers0weight"
    )
