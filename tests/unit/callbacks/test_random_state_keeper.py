from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from lightning.pytorch import Callback
from lightning.pytorch.callbacks import ModelCheckpoint

from lightning_face.callbacks import RandomStateKeeper
from lightning_face.checkpoint import load_checkpoint


def draw() -> list[float]:
    return [random.gauss(0, 1), float(np.random.randn()), float(torch.randn(()))]


class Draws(Callback):
    """Draws numbers in every batch."""

    def __init__(self) -> None:
        self.numbers = []

    def on_train_batch_start(self, *_):
        self.numbers.append(draw())


@pytest.mark.parametrize("cut", [1, 4])
def test_numbers_go_on_where_the_checkpoint_was_written(fit, tmp_path, cut):
    whole = Draws()
    settings = {"max_epochs": 2, "limit_val_batches": 0}
    fit(RandomStateKeeper(), whole, **settings)
    first = Draws()
    keeper = ModelCheckpoint(
        dirpath=tmp_path, filename="{step}", every_n_train_steps=cut, save_top_k=-1
    )
    fit(RandomStateKeeper(), first, keeper, enable_checkpointing=True, **settings)
    draw()
    second = Draws()
    fit(RandomStateKeeper(), second, resume=tmp_path / f"step={cut}.ckpt", **settings)
    assert first.numbers[:cut] + second.numbers == whole.numbers


def test_the_states_are_plain_values_for_every_process(fit, tmp_path):
    keeper = ModelCheckpoint(dirpath=tmp_path, filename="last")
    fit(RandomStateKeeper(), keeper, enable_checkpointing=True)
    (state,) = load_checkpoint(tmp_path / "last.ckpt")["random_states"]
    assert set(state) == {"python", "numpy", "torch", "cuda"}


def test_states_of_another_number_of_processes_are_left_alone_and_a_warning_says_so(fit, tmp_path):
    keeper = ModelCheckpoint(dirpath=tmp_path, filename="last")
    fit(RandomStateKeeper(), keeper, enable_checkpointing=True)
    content = load_checkpoint(tmp_path / "last.ckpt")
    content["random_states"] *= 2
    torch.save(content, tmp_path / "two.ckpt")
    with pytest.warns(UserWarning, match="written by 2 processes and is continued by 1"):
        trainer, _ = fit(RandomStateKeeper(), resume=tmp_path / "two.ckpt", max_epochs=2)
    assert trainer.global_step == 12
