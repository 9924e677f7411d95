"""A run that was cut inside an epoch ends with the weights of one that was not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer, seed_everything

from lightning_face.callbacks import EMA, ProgressKeeper, RandomStateKeeper
from lightning_face.checkpoint.io import AtomicCheckpointIO
from lightning_face_sis.data.celebamask_hq import CelebAMaskHQDataModule
from lightning_face_sis.data.sample import write_sample
from lightning_face_sis.modules.ca2sis_module import CA2SISModule
from lightning_face_sis.modules.identity_module import IdentityInjectionModule
from lightning_face_sis.modules.noise_module import NoiseModule
from lightning_face_sis.networks import noise_encoder

# eight faces for training in batches of two: an epoch has four
EPOCHS, BATCHES = 2, 8
TINY = {
    "style_dim": 4,
    "grid": (4, 4),
    "mask_size": 16,
    "heads": (1,) * 5,
    "head_dims": (8,) * 5,
    "ndf": 4,
    "pixel_weight": 10.0,
    "lr": 1e-3,
    "constant_epochs": 0,
    "decay_epochs": 4,
}

# name: what is trained, choices of the trainer, batches behind which it is cut
CASES: dict[str, tuple[type[LightningModule], dict[str, Any], dict[str, Any], tuple[int, ...]]] = {
    # gradients wait for the next batch in the middle of both cut epochs
    "ca2sis": (
        CA2SISModule,
        {},
        {"accumulate_grad_batches": 3, "gradient_clip_val": 1.0},
        (2, 6),
    ),
    # between the phases, and inside the second
    "noise": (
        NoiseModule,
        {"first_phase_epochs": 1, "noise_dim": 3, "style_distance_weight": 1.0},
        {},
        (4, 5),
    ),
    "identity": (IdentityInjectionModule, {"identity_dim": 24, "fresh_fakes": False}, {}, (3,)),
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


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A small sample."""
    folder = tmp_path_factory.mktemp("faces")
    write_sample(folder, faces=9, people=3, size=64)
    return folder


def train(name: str, root: Path, folder: Path, cut: Path | None = None) -> dict[str, Any]:
    """Train, and return all that a checkpoint behind the last batch says of weights."""
    # what a resumed run draws has to come from the checkpoint
    seed_everything(7 if cut is None else 8)
    module_class, settings, choices, cuts = CASES[name]
    module = module_class(**{**TINY, **settings})
    # the order of the faces and what is drawn for them do not depend on who reads them
    data = CelebAMaskHQDataModule(
        str(root), load_size=72, crop_size=64, batch_size=2, num_workers=0 if cut is None else 1
    )
    trainer = Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        max_epochs=EPOCHS,
        callbacks=[
            RandomStateKeeper(),
            ProgressKeeper(),
            EMA(decay=0.5, parts=["generator"]),
            Cuts(folder, (*cuts, BATCHES)),
        ],
        plugins=[AtomicCheckpointIO()],
        logger=False,
        limit_val_batches=0,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        **choices,
    )
    folder.mkdir(exist_ok=True)
    trainer.fit(module, data, ckpt_path=cut)
    assert trainer.fit_loop.epoch_loop.total_batch_idx + 1 == BATCHES
    return read(folder / f"{BATCHES}.ckpt")


def read(path: Path) -> dict[str, Any]:
    content = torch.load(path, weights_only=True)
    names = ("state_dict", "ema_trained_weights", "discriminator", "mean_colors")
    state = {name: content[name] for name in names}
    # each player's averages, and the learning rates of the next epoch
    state["optimizers"] = [
        {
            "state": {number: dict(each) for number, each in optimizer["state"].items()},
            "rates": [group["lr"] for group in optimizer["param_groups"]],
        }
        for optimizer in content["optimizer_states"]
    ]
    return state


@pytest.mark.parametrize("name", CASES)
def test_resumes_inside_an_epoch_bit_for_bit(tmp_path, monkeypatch, root, name):
    monkeypatch.setattr(noise_encoder, "HIDDEN", 32)
    undisturbed = train(name, root, tmp_path)
    for batches in CASES[name][3]:
        cut = tmp_path / f"{batches}.ckpt"
        resumed = train(name, root, tmp_path / str(batches), cut)
        torch.testing.assert_close(resumed, undisturbed, rtol=0, atol=0)
        for player in ("ema_trained_weights", "discriminator"):
            at_cut = read(cut)[player]
            assert not all(torch.equal(at_cut[key], resumed[player][key]) for key in at_cut)
