from __future__ import annotations

import pytest
import torch

from lightning_face.checkpoint.weights import save_weights
from lightning_face.errors import WeightsError
from lightning_face_sis.modules.first_stage_module import FirstStageModule
from lightning_face_sis.modules.first_stage_start import initialise_first_stage
from lightning_face_sis.modules.sample_first_stage_writing import write_sample_first_stage
from lightning_face_sis.networks.sample_first_stage import (
    SAMPLE_FIRST_STAGE,
    WEIGHTS,
    load_sample_first_stage,
    standardise_latents,
    write_weights,
)
from lightning_face_sis.networks.sample_recognition_training import draw_pictures
from lightning_face_sis.networks.vq_first_stage import VQFirstStage


@pytest.fixture(scope="module")
def faces() -> torch.Tensor:
    """Faces of the sample's people, in pictures that the sample does not have."""
    return draw_pictures(1, people=12)[0]


@pytest.fixture
def start() -> VQFirstStage:
    torch.manual_seed(0)
    first_stage = VQFirstStage(**SAMPLE_FIRST_STAGE)
    initialise_first_stage(first_stage)
    return first_stage


def psnr(images: torch.Tensor, wanted: torch.Tensor) -> float:
    return -10 * ((images.clamp(-1, 1) - wanted) / 2).square().mean().log10().item()


@torch.no_grad()
def test_faces_of_the_sample_come_out_again(faces):
    first_stage = load_sample_first_stage()
    small = torch.nn.functional.interpolate(faces, scale_factor=0.25, mode="area")
    blurred = torch.nn.functional.interpolate(small, scale_factor=4, mode="bilinear")
    made = first_stage.decode(first_stage.encode(faces))
    # as many numbers, without a codebook
    assert psnr(made, faces) > psnr(blurred, faces) + 1.5
    assert psnr(made, faces) > 21.5


@torch.no_grad()
def test_latents_have_unit_scale(faces):
    latents = load_sample_first_stage().encode(faces)
    assert latents.mean().abs() < 0.3
    assert 0.8 < latents.std() < 1.2


def test_the_weights_are_small():
    assert WEIGHTS.stat().st_size < 300_000


@torch.no_grad()
def test_standardised_latents_give_the_same_pictures(start, faces):
    before, codes = start.encode(faces), start.quantize(start.encode(faces)).indices
    decoded = start.decode(before)
    standardise_latents(start, before)
    after = start.encode(faces)
    assert after.mean(dim=(0, 2, 3)).abs().max() < 1e-5
    assert after.std().item() == pytest.approx(1, abs=1e-3)
    assert (start.quantize(after).indices == codes).float().mean() > 0.999
    torch.testing.assert_close(start.decode(after), decoded, rtol=1e-3, atol=1e-3)


def test_written_weights_are_those_of_the_network(start, tmp_path, monkeypatch):
    path = tmp_path / "weights.safetensors"
    write_weights(start, path)
    monkeypatch.setattr("lightning_face_sis.networks.sample_first_stage.WEIGHTS", path)
    for name, tensor in load_sample_first_stage().state_dict().items():
        torch.testing.assert_close(tensor, start.state_dict()[name], rtol=1e-3, atol=1e-4)


def test_a_first_stage_of_other_sizes_is_not_written(tmp_path):
    settings = FirstStageModule.example_settings()
    state = FirstStageModule(**settings).state_dict()
    name = f"{FirstStageModule.__module__}.{FirstStageModule.__qualname__}"
    save_weights(tmp_path / "run", state, {"class_path": name, "init_args": settings})
    with pytest.raises(WeightsError, match="has the sizes"):
        write_sample_first_stage(tmp_path / "run", tmp_path / "weights.safetensors")
    assert not (tmp_path / "weights.safetensors").exists()
