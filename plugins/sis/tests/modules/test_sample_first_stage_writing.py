"""Other sizes are refused in test_sample_first_stage.py, as is what becomes of the weights."""

from __future__ import annotations

import functools
import sys

import pytest
import torch
from safetensors.torch import load_file

from lightning_face.checkpoint.weights import save_weights
from lightning_face.errors import CheckpointError, WeightsError
from lightning_face_sis.data.celebamask_hq import CelebAMaskHQDataModule
from lightning_face_sis.data.sample import write_sample
from lightning_face_sis.modules import sample_first_stage_writing
from lightning_face_sis.modules.first_stage_module import FirstStageModule
from lightning_face_sis.modules.sample_first_stage_writing import main, write_sample_first_stage
from lightning_face_sis.networks.sample_first_stage import SAMPLE_FIRST_STAGE
from lightning_face_sis.networks.vq_first_stage import VQFirstStage

# small, but of all kinds of settings
SMALL = {**SAMPLE_FIRST_STAGE, "num_embeddings": 16, "channels": 6}


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    root = tmp_path_factory.mktemp("faces")
    write_sample(root, faces=7, people=2, size=64)
    return root


@pytest.fixture
def trained(faces, tmp_path, monkeypatch):
    """A first stage that was trained on few faces, in a checkpoint."""
    monkeypatch.setattr(sample_first_stage_writing, "SAMPLE_FIRST_STAGE", SMALL)
    read = functools.partial(CelebAMaskHQDataModule, str(faces))
    monkeypatch.setattr(sample_first_stage_writing, "CelebAMaskHQDataModule", read)
    torch.manual_seed(0)
    settings = {name: list(v) if isinstance(v, tuple) else v for name, v in SMALL.items()}
    module = FirstStageModule(**settings, start="average", lpips_weight=0.0)
    name = f"{FirstStageModule.__module__}.{FirstStageModule.__qualname__}"
    model = {"class_path": name, "init_args": dict(module.hparams)}
    save_weights(tmp_path / "run", module.state_dict(), model)
    return module.first_stage


@torch.no_grad()
def test_latents_of_the_training_faces_are_standardised(trained, faces, tmp_path):
    write_sample_first_stage(tmp_path / "run", tmp_path / "weights.safetensors")
    weights = load_file(tmp_path / "weights.safetensors")
    assert {each.dtype for each in weights.values()} == {torch.float16}
    written = VQFirstStage(**SMALL)
    written.load_state_dict({name: each.float() for name, each in weights.items()})
    data = CelebAMaskHQDataModule(str(faces), load_size=64, crop_size=64, flip=False, batch_size=6)
    data.setup("fit")
    (batch,) = data.train_dataloader()
    before, after = (each.encode(batch["images"]) for each in (trained, written))
    assert before.mean(dim=(0, 2, 3)).abs().max() > 0.1
    assert after.mean(dim=(0, 2, 3)).abs().max() < 0.01
    assert after.std().item() == pytest.approx(1, abs=0.01)
    # pictures come out as before
    shown, wanted = (
        each.decode(latents, quantize=False)
        for each, latents in ((written, after), (trained, before))
    )
    torch.testing.assert_close(shown, wanted, rtol=0.02, atol=0.02)


def test_the_command_writes_what_it_is_told_to(trained, tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(
        sample_first_stage_writing, "write_weights", lambda *given: written.append(given)
    )
    monkeypatch.setattr(sys, "argv", ["writing", str(tmp_path / "run")])
    main()
    ((first_stage, path),) = written
    assert path == sample_first_stage_writing.WEIGHTS
    assert isinstance(first_stage, VQFirstStage)


def test_another_model_is_refused(diffusion_weights, tmp_path):
    with pytest.raises(WeightsError, match="small holds a SCADMModule, no first stage"):
        write_sample_first_stage(diffusion_weights, tmp_path / "weights.safetensors")
    assert not (tmp_path / "weights.safetensors").exists()


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"no such checkpoint file: .*run\.ckpt"):
        write_sample_first_stage(tmp_path / "run.ckpt", tmp_path / "weights.safetensors")
