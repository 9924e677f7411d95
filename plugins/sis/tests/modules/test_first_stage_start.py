from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from lightning_face.errors import ConfigError
from lightning_face_sis.modules.first_stage_start import initialise_codes, initialise_first_stage
from lightning_face_sis.networks.vq_first_stage import VQFirstStage


def build(**settings: object) -> VQFirstStage:
    torch.manual_seed(0)
    sizes = {"num_embeddings": 64, "channels": 16, "num_res_blocks": 1, "norm_groups": 1}
    return VQFirstStage(**(sizes | settings))


def likeness(first: torch.Tensor, second: torch.Tensor) -> float:
    """Correlation of two tensors."""
    return torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))[0, 1].item()


@pytest.mark.parametrize("multipliers", [(1, 1, 1), (1, 2, 2), (1, 2)])
@torch.no_grad()
def test_latents_and_pictures_begin_as_averages_of_squares(multipliers):
    first_stage = build(channel_multipliers=multipliers)
    images = torch.rand(4, 3, 32, 32) * 2 - 1
    wanted = functional.avg_pool2d(images, first_stage.factor)
    assert abs(likeness(first_stage.encode(images), wanted)) < 0.6
    initialise_first_stage(first_stage)
    latents = first_stage.encode(images)
    assert likeness(latents, wanted) > 0.9
    painted = functional.interpolate(wanted, scale_factor=first_stage.factor)
    assert likeness(first_stage.decode(latents, quantize=False), painted) > 0.9


@torch.no_grad()
def test_codes_begin_as_latents_of_pictures():
    first_stage = build()
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    initialise_codes(first_stage, images)
    latents = first_stage.encode(images).movedim(1, -1).flatten(0, 2)
    nearest = torch.cdist(first_stage.codebook, latents).amin(dim=1)
    assert nearest.max() < 1e-3
    assert len(first_stage.codebook.unique(dim=0)) > 32


@pytest.mark.parametrize("settings", [{"channels": 4}, {"latent_channels": 1}])
def test_a_network_without_room_for_colors_is_refused(settings):
    with pytest.raises(ConfigError, match="start average needs 6 channels"):
        initialise_first_stage(build(**settings))
