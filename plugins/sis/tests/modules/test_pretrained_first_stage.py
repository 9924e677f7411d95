"""First stages of every source; test_diffusion_importer.py has the published layouts."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from lightning_face.checkpoint.io import AtomicCheckpointIO
from lightning_face.checkpoint.weights import save_weights
from lightning_face.errors import CheckpointError, WeightsError
from lightning_face_sis.diffusion_importer import export_sca_dm, write_published
from lightning_face_sis.modules.first_stage_module import FirstStageModule
from lightning_face_sis.modules.pretrained_first_stage import read_first_stage
from lightning_face_sis.networks.sample_first_stage import (
    SAMPLE_FIRST_STAGE,
    load_sample_first_stage,
)
from lightning_face_sis.networks.vq_first_stage import VQFirstStage
from lightning_face_sis.published_diffusion_names import FIRST_STAGE

SETTINGS = {**FirstStageModule.example_settings(), "lpips_weight": 0.0, "num_classes": 3}


def assert_builds(found, wanted: VQFirstStage) -> None:
    settings, weights = found
    network = VQFirstStage(**settings)
    network.load_state_dict(weights)
    for name, each in wanted.state_dict().items():
        assert torch.equal(network.state_dict()[name], each), name


def save(folder, module, settings=SETTINGS):
    model = {
        "class_path": f"{type(module).__module__}.{type(module).__qualname__}",
        "init_args": settings,
    }
    save_weights(folder, module.state_dict(), model)
    return folder


@pytest.fixture
def module() -> FirstStageModule:
    torch.manual_seed(0)
    return FirstStageModule(**SETTINGS)


@pytest.fixture
def published(small_diffusion):
    tensors = export_sca_dm(small_diffusion)
    return {
        name.removeprefix(FIRST_STAGE): each.contiguous()
        for name, each in tensors.items()
        if name.startswith(FIRST_STAGE)
    }


def test_none_is_that_of_the_sample_and_stays_as_it_is():
    settings, weights = read_first_stage(None)
    assert_builds((settings, weights), load_sample_first_stage())
    settings["channels"] = 1
    weights["codebook"] = None
    assert SAMPLE_FIRST_STAGE["channels"] != 1
    assert_builds(read_first_stage(None), load_sample_first_stage())


def test_settings_come_without_weights():
    given = {"channels": 8}
    settings, weights = read_first_stage(given)
    assert (settings, weights) == (given, None)
    assert settings is not given


@pytest.mark.parametrize("home", [False, True])
def test_a_run_gives_its_weights(run, batches, module, tmp_path, monkeypatch, home):
    run(module, batches(1, 2)).save_checkpoint(tmp_path / "run.ckpt")
    monkeypatch.setenv("HOME", str(tmp_path))
    path = "~/run.ckpt" if home else str(tmp_path / "run.ckpt")
    assert_builds(read_first_stage(path), module.first_stage)


def test_an_exported_folder_gives_its_weights(module, tmp_path):
    assert_builds(read_first_stage(str(save(tmp_path / "run", module))), module.first_stage)


@pytest.mark.parametrize("layout", ["alone", "with a loss", "of a whole system", "folder"])
def test_a_published_file_gives_its_weights(small_diffusion, published, tmp_path, layout):
    path = tmp_path / "model.ckpt"
    if layout == "folder":
        write_published(small_diffusion, tmp_path / "folder")
        path = tmp_path / "folder"
    elif layout == "alone":
        path = tmp_path / "model.safetensors"
        save_file(published, path)
    elif layout == "with a loss":
        loss = {"loss.discriminator.main.0.weight": torch.zeros(2)}
        torch.save({"state_dict": published | loss}, path)
    else:
        torch.save({"state_dict": export_sca_dm(small_diffusion)}, path)
    assert_builds(read_first_stage(str(path)), small_diffusion.first_stage)


@torch.no_grad()
@pytest.mark.parametrize("groups", [8, 32])
def test_a_model_of_diffusers_gives_its_latents(tmp_path, groups):
    from diffusers import VQModel

    torch.manual_seed(0)
    model = VQModel(
        block_out_channels=(32, 32),
        layers_per_block=1,
        latent_channels=3,
        num_vq_embeddings=16,
        vq_embed_dim=3,
        norm_num_groups=groups,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
    )
    model.save_pretrained(tmp_path / "vqvae")
    settings, weights = read_first_stage(str(tmp_path))
    network = VQFirstStage(**settings)
    network.load_state_dict(weights)
    images = torch.rand(1, 3, 16, 16) * 2 - 1
    torch.testing.assert_close(network.encode(images), model.encode(images).latents)


def test_a_missing_file_is_named_with_where_to_get_it(tmp_path):
    with pytest.raises(CheckpointError, match=r"model.first_stage .*vq\.ckpt does not exist: get"):
        read_first_stage(str(tmp_path / "vq.ckpt"))


def test_a_checkpoint_of_another_model_is_refused(diffusion_weights):
    with pytest.raises(WeightsError, match="small holds a SCADMModule, no first stage"):
        read_first_stage(str(diffusion_weights))


def test_a_file_of_other_tensors_is_refused(tmp_path):
    save_file({"features.0.weight": torch.zeros(3)}, tmp_path / "vgg.safetensors")
    with pytest.raises(WeightsError, match=r"vgg\.safetensors is no complete first stage"):
        read_first_stage(str(tmp_path / "vgg.safetensors"))


@pytest.mark.parametrize("content", [b"", b"junk"])
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "vq.ckpt").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"vq\.ckpt is damaged, incomplete or no checkpoint"):
        read_first_stage(str(tmp_path / "vq.ckpt"))


def test_a_damaged_run_is_not_taken_for_a_published_file(run, batches, module, tmp_path):
    path = tmp_path / "run.ckpt"
    run(module, batches(1, 2), plugins=[AtomicCheckpointIO()]).save_checkpoint(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"run\.ckpt is damaged: its content does not match"):
        read_first_stage(str(path))


def test_a_damaged_folder_is_not_taken_for_one_of_diffusers(module, tmp_path):
    folder = save(tmp_path / "run", module)
    (folder / "weights.safetensors").write_bytes(b"junk")
    with pytest.raises(WeightsError, match=r"weights\.safetensors"):
        read_first_stage(str(folder))


def test_weights_that_do_not_fit_their_settings_are_told_so(module, tmp_path):
    folder = save(tmp_path / "run", module, {**SETTINGS, "num_embeddings": 17})
    with pytest.raises(WeightsError, match=r"run does not fit .*FirstStageModule"):
        read_first_stage(str(folder))
