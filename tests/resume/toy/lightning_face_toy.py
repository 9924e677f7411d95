"""A plugin whose training uses every source of randomness that a resumed run has to restore."""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import torch
from lightning.pytorch import Callback
from torch.utils.data import Dataset

from lightning_face.data import FaceDataModule, sample_generator
from lightning_face.modules import FaceModule

FEATURES = 16

# lets a test kill the process that runs the command
Path("pid").write_text(str(os.getpid()))


class Points(Dataset):
    """Points with labels, augmented with noise that depends on epoch and index."""

    def __init__(self, size, seed):
        generator = torch.Generator().manual_seed(7)
        self.x = torch.randn(size, FEATURES, generator=generator)
        self.y = (self.x[:, 0] > 0).long()
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        noise = torch.randn(FEATURES, generator=sample_generator(self.seed, self.epoch, index))
        return {
            "x": self.x[index] + 0.1 * noise,
            "y": self.y[index],
            "files": f"point-{index}",
        }


class ToyData(FaceDataModule):
    """The points; ``num_classes`` is 2."""

    sample_name = "toy"
    num_classes = 2

    def __init__(self, batch_size: int = 8, num_workers: int = 0, seed: int = 0, size: int = 60):
        super().__init__(None, batch_size, num_workers, seed)
        self.size = size

    def write_sample(self, root):
        (root / "points.txt").write_text("drawn in memory\n")

    def train_dataloader(self):
        return self.loader(Points(self.size, self.seed), train=True)

    def val_dataloader(self):
        return self.loader(Points(13, self.seed), train=False)


class Toy(FaceModule):
    """Classifier with dropout, three kinds of noise, and a schedule.

    Args:
        num_classes: Number of labels.
        lr: First step size.
        ballast: Megabytes of dead weight, to make writing a checkpoint take its time.
    """

    def __init__(self, num_classes: int = 2, lr: float = 0.01, ballast: int = 0):
        super().__init__()
        self.save_hyperparameters()
        self.net = torch.nn.Sequential(
            torch.nn.Linear(FEATURES, 32),
            torch.nn.BatchNorm1d(32),
            torch.nn.Dropout(0.3),
            torch.nn.Linear(32, num_classes),
        )
        self.register_buffer("ballast", torch.zeros(ballast * 2**18))

    def declared_sizes(self):
        return {"num_classes": self.hparams.num_classes}

    def loss(self, batch):
        noise = torch.randn_like(batch["x"]) + random.gauss(0, 1) + float(np.random.rand())
        logits = self.net(batch["x"] + 0.1 * noise)
        return torch.nn.functional.cross_entropy(logits, batch["y"])

    def training_step(self, batch, batch_idx):
        loss = self.loss(batch)
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch, batch_idx):
        count = len(batch["y"])
        self.log("val/loss", self.loss(batch), sync_dist=True, batch_size=count)
        self.log("val/count", float(count), reduce_fx="sum", sync_dist=True)

    def sample_images(self, batch):
        pixels = batch["x"][:, :1, None, None].sigmoid().expand(-1, 3, 8, 8)
        return {"input": pixels, "negative": 1 - pixels}

    def configure_optimizers(self):
        optimizer = torch.optim.Adam(self.parameters(), lr=self.hparams.lr)
        # asking for the length of the run makes the loaders before their state is there to load
        steps = self.trainer.estimated_stepping_batches
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }


class ToyPair(Toy):
    """The same by manual optimisation with two optimizers, as adversarial training has."""

    def __init__(self, num_classes: int = 2, lr: float = 0.01):
        super().__init__(num_classes=num_classes, lr=lr)
        self.save_hyperparameters()
        self.automatic_optimization = False

    def training_step(self, batch, batch_idx):
        for optimizer in self.optimizers():
            loss = self.loss(batch)
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()
        for scheduler in self.lr_schedulers():
            scheduler.step()
        self.log("train/loss", loss)

    def configure_optimizers(self):
        optimizers = [
            torch.optim.Adam(part.parameters(), lr=self.hparams.lr)
            for part in (self.net[:2], self.net[2:])
        ]
        schedulers = [
            torch.optim.lr_scheduler.StepLR(o, step_size=4, gamma=0.7) for o in optimizers
        ]
        return optimizers, schedulers


class Witness(Callback):
    """Writes what every process has at the end, in ``witness-RANK.pt`` of the run folder."""

    def on_fit_end(self, trainer, pl_module):
        content = {
            "weights": pl_module.state_dict(),
            "metrics": {name: float(v) for name, v in trainer.callback_metrics.items()},
            "noise": torch.rand(4),
        }
        torch.save(content, Path(trainer.default_root_dir) / f"witness-{trainer.global_rank}.pt")


class FailAt(Callback):
    """Ends a run with an error at the start of a batch.

    Args:
        batch: Number of the batch over all epochs, from 0.
    """

    def __init__(self, batch: int):
        self.batch = batch

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if trainer.fit_loop.total_batch_idx == self.batch:
            raise RuntimeError("the power failed")
