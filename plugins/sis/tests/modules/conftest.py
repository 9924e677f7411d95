from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningDataModule, LightningModule, Trainer
from torch.utils.data import DataLoader

SIDE = 64
NUM_CLASSES = 3


def make_batches(count: int, size: int, seed: int = 0) -> list[dict[str, Any]]:
    generator = torch.Generator().manual_seed(seed)
    return [
        {
            "images": 2 * torch.rand(size, 3, SIDE, SIDE, generator=generator) - 1,
            "labels": torch.randint(NUM_CLASSES, (size, 1, SIDE, SIDE), generator=generator),
            "files": [f"{index}-{place}.jpg" for place in range(size)],
        }
        for index in range(count)
    ]


class Batches(LightningDataModule):
    """Batches as they are given."""

    num_classes = NUM_CLASSES

    def __init__(self, batches: list[dict[str, Any]]) -> None:
        super().__init__()
        self.batches = batches

    def train_dataloader(self) -> DataLoader:
        return DataLoader(self.batches, batch_size=None)

    val_dataloader = test_dataloader = predict_dataloader = train_dataloader


@pytest.fixture(scope="session")
def settings() -> dict[str, Any]:
    """Sizes with which a step takes milliseconds."""
    return {
        "num_classes": NUM_CLASSES,
        "style_dim": 4,
        "grid": (4, 4),
        "mask_size": 16,
        "heads": (1,) * 5,
        "head_dims": (8,) * 5,
        "ndf": 4,
        "pixel_weight": 10.0,
        "lr": 1e-3,
    }


@pytest.fixture
def batches():
    return make_batches


@pytest.fixture
def wake():
    """Let attention change pictures: the last map of a new block is zero."""

    def wake(module):
        for block in module.generator.attention_blocks:
            torch.nn.init.normal_(block.proj_out.weight, std=0.2)
        return module

    return wake


@pytest.fixture
def run(tmp_path):
    """Train a module, or do something else with it, and return the trainer."""

    def fit(
        module: LightningModule,
        given: list[dict[str, Any]] | LightningDataModule,
        verb: str = "fit",
        ckpt: Path | None = None,
        **choices: Any,
    ) -> Trainer:
        trainer = Trainer(
            default_root_dir=tmp_path,
            accelerator="cpu",
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            **{"max_epochs": 1, "enable_checkpointing": False, "limit_val_batches": 0, **choices},
        )
        data = Batches(given) if isinstance(given, list) else given
        getattr(trainer, verb)(module, data, ckpt_path=ckpt)
        return trainer

    return fit
