"""A run of Mamba-ST that was cut inside an epoch ends with the weights of one that was not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from lightning.pytorch import Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint

from lightning_face.callbacks import ProgressKeeper, RandomStateKeeper
from lightning_face.checkpoint.io import AtomicCheckpointIO
from lightning_face_mambast.datamodule import StyleTransferDataModule
from lightning_face_mambast.module import MambaSTModule

# 64 pairs make 8 batches of 8: both cuts lie inside an epoch, the second in another one
CUTS, END = (3, 10), 13


def train(folder: Path, max_steps: int, num_workers: int, resumed_from: Path | None = None):
    """Train up to a step with all that is random switched on, and return the weights."""
    seed_everything(7, workers=True)
    module = MambaSTModule(
        width=16,
        d_state=2,
        num_encoder_layers=1,
        num_decoder_layers=1,
        drop_path=0.5,
        vgg_width=2,
        lr=1e-3,
        lr_schedule="warmup_decay",
    )
    data = StyleTransferDataModule(resize=40, crop=32, eval_size=32, num_workers=num_workers)
    trainer = Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        max_steps=max_steps,
        max_epochs=-1,
        callbacks=[
            RandomStateKeeper(),
            ProgressKeeper(),
            ModelCheckpoint(folder, filename="cut", every_n_train_steps=max_steps, save_last=False),
        ],
        plugins=[AtomicCheckpointIO()],
        logger=False,
        limit_val_batches=0,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    trainer.fit(module, data, ckpt_path=resumed_from)
    assert trainer.global_step == max_steps
    return module.state_dict()


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("cut", CUTS)
def test_resumes_inside_an_epoch_bit_for_bit(tmp_path, cut, num_workers):
    undisturbed = train(tmp_path / "undisturbed", END, num_workers)
    at_cut = train(tmp_path / "cut", cut, num_workers)
    resumed = train(tmp_path / "resumed", END, num_workers, tmp_path / "cut" / "cut.ckpt")
    assert undisturbed.keys() == resumed.keys()
    assert all(torch.equal(undisturbed[name], resumed[name]) for name in undisturbed)
    assert not all(torch.equal(at_cut[name], resumed[name]) for name in resumed)
