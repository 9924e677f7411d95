"""A run of a diffusion model or its first stage that was cut ends like one that was not."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint

from lightning_face.callbacks import EMA, ProgressKeeper, RandomStateKeeper
from lightning_face.checkpoint.io import AtomicCheckpointIO
from lightning_face_sis.data.celebamask_hq import CelebAMaskHQDataModule
from lightning_face_sis.data.sample import write_sample
from lightning_face_sis.modules.first_stage_module import FirstStageModule
from lightning_face_sis.modules.sca_dm_module import SCADMModule

# eight faces for training in batches of two: an epoch has four
EPOCHS, BATCHES = 2, 8
FIRST_STAGE = {**FirstStageModule.example_settings(), "num_embeddings": 8, "channels": 4}


class Case(NamedTuple):
    """What is trained, and behind which batches it is cut."""

    module: type[LightningModule]
    settings: dict[str, Any]
    average: dict[str, Any]
    choices: dict[str, Any]
    cuts: tuple[int, ...]
    # pictures of this size are cut by chance to 32 pixels
    load_size: int = 32


CASES = {
    # gradients wait for the next batch in the middle of both epochs, and behind no batch in the
    # third cut
    "kept latents": Case(
        SCADMModule,
        {"latent_cache": True, "lr_schedule": "cosine"},
        {"parts": ["network.unet"], "schedule": "warm_up", "every": "batch"},
        {"accumulate_grad_batches": 3, "gradient_clip_val": 0.1},
        (2, 6, 7),
    ),
    "fresh latents": Case(
        SCADMModule,
        {"parameterization": "x0"},
        {"parts": ["network.unet"], "schedule": "warm_up"},
        {"precision": "bf16-mixed"},
        (5,),
        load_size=40,
    ),
    # before the discriminator joins, and behind
    "first stage": Case(
        FirstStageModule,
        {"gan_weight": 0.5, "gan_start": 3, "ndf": 4, "start": "average", "decay_epochs": 4},
        {"parts": ["first_stage"], "decay": 0.5},
        {"accumulate_grad_batches": 3, "gradient_clip_val": 1.0},
        (2, 6),
        load_size=40,
    ),
}


class Cuts(Callback):
    """Saves a checkpoint behind some batches, as if the run were cut there."""

    def __init__(self, folder: Path, batches: tuple[int, ...]) -> None:
        self.folder = folder
        self.batches = batches

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        number = trainer.fit_loop.epoch_loop.total_batch_idx + 1
        if number in self.batches:
            trainer.save_checkpoint(self.folder / f"{number}.ckpt")


class PowerCutError(Exception):
    """Ends a run without warning."""


class PowerCut(Callback):
    """Ends a run at the beginning of its last batch."""

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx) -> None:
        if trainer.fit_loop.epoch_loop.total_batch_idx + 1 == BATCHES:
            raise PowerCutError


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A small sample."""
    folder = tmp_path_factory.mktemp("faces")
    write_sample(folder, faces=9, people=3, size=64)
    return folder


@pytest.fixture
def train(root, tmp_path, monkeypatch):
    """Train, and return what a checkpoint at the end holds, with the rows of the validation."""

    def train(name: str, run: str, cut: Path | None = None, *callbacks: Callback) -> dict[str, Any]:
        folder = tmp_path / run
        folder.mkdir()
        # no run finds the latents of another
        monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(folder / "cache"))
        # what a resumed run draws has to come from the checkpoint, its first stage as well
        seed_everything(7 if cut is None else 8)
        case = CASES[name]
        trainer = make_trainer(case, folder, callbacks)
        # the order of the faces and what is drawn for them do not depend on who reads them
        workers = 0 if cut is None else 1
        trainer.fit(build(case), read_faces(root, case.load_size, workers), ckpt_path=cut)
        assert trainer.fit_loop.epoch_loop.total_batch_idx + 1 == BATCHES
        kept = list(folder.glob("cache/latents/*/*.npy"))
        assert bool(kept) == case.settings.get("latent_cache", False)
        trainer.save_checkpoint(folder / "end.ckpt")
        rows = {key: row for key, row in trainer.callback_metrics.items() if key.startswith("val/")}
        assert rows
        return {**read(folder / "end.ckpt"), "rows": rows}

    return train


def build(case: Case) -> LightningModule:
    settings = {**case.module.example_settings(), "lr": 1e-3, **case.settings}
    if case.module is SCADMModule:
        settings["first_stage"] = FIRST_STAGE
    else:
        settings["lpips_weight"] = 0.0
    return case.module(**settings)


def read_faces(root: Path, load_size: int, num_workers: int) -> CelebAMaskHQDataModule:
    return CelebAMaskHQDataModule(
        str(root),
        load_size=load_size,
        crop_size=32,
        flip=load_size > 32,
        batch_size=2,
        num_workers=num_workers,
    )


def make_trainer(case: Case, folder: Path, callbacks: tuple[Callback, ...]) -> Trainer:
    return Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        max_epochs=EPOCHS,
        callbacks=[RandomStateKeeper(), ProgressKeeper(), EMA(**case.average), *callbacks],
        plugins=[AtomicCheckpointIO()],
        logger=False,
        limit_val_batches=1,
        num_sanity_val_steps=0,
        enable_checkpointing=any(isinstance(each, ModelCheckpoint) for each in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        **case.choices,
    )


def read(path: Path) -> dict[str, Any]:
    content = torch.load(path, weights_only=True)
    (updates,) = (each for name, each in content["callbacks"].items() if name.startswith("EMA"))
    return {
        # the average, and what training goes on with
        "state_dict": content["state_dict"],
        "ema_trained_weights": content["ema_trained_weights"],
        "discriminator": content.get("discriminator", {}),
        "updates": updates,
        "rates": [each["_last_lr"] for each in content["lr_schedulers"]],
        "moments": [
            {str(number): dict(each) for number, each in optimizer["state"].items()}
            for optimizer in content["optimizer_states"]
        ],
    }


@pytest.mark.parametrize("name", CASES)
def test_resumes_inside_an_epoch_bit_for_bit(tmp_path, train, name):
    cuts = CASES[name].cuts
    undisturbed = train(name, "undisturbed", None, Cuts(tmp_path, cuts))
    trained = undisturbed["ema_trained_weights"]
    assert not all(torch.equal(undisturbed["state_dict"][key], trained[key]) for key in trained)
    for batches in cuts:
        cut = tmp_path / f"{batches}.ckpt"
        resumed = train(name, f"from {batches}", cut)
        torch.testing.assert_close(resumed, undisturbed, rtol=0, atol=0)
        for weights in ("state_dict", "ema_trained_weights", "discriminator"):
            at_cut = read(cut)[weights]
            equal = [torch.equal(at_cut[key], resumed[weights][key]) for key in at_cut]
            assert not equal or not all(equal), weights


def test_resumes_from_the_last_checkpoint_of_a_run_that_failed(tmp_path, train):
    last = ModelCheckpoint(tmp_path, every_n_train_steps=1, save_last=True)
    with pytest.raises(PowerCutError):
        train("kept latents", "failed", None, last, PowerCut())
    cut = tmp_path / "last.ckpt"
    progress = torch.load(cut, weights_only=True)["loops"]["fit_loop"]["epoch_loop.batch_progress"]
    assert progress["total"]["processed"] == BATCHES - 1
    resumed = train("kept latents", "resumed", cut)
    torch.testing.assert_close(resumed, train("kept latents", "undisturbed"), rtol=0, atol=0)
