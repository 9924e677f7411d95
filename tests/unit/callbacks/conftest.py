from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, Trainer, seed_everything
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from lightning_face.checkpoint import AtomicCheckpointIO
from lightning_face.modules import FaceModule


class Points(Dataset):
    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"x": torch.full((4,), index / 12), "files": f"{index}.png"}


class Net(FaceModule):
    """A linear map with a frozen part, a buffer, and a loss that can be spoilt at a step."""

    def __init__(self, spoilt: int = -1, loss: float = float("nan")) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.net = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4))
        self.frozen = torch.nn.Linear(4, 1).requires_grad_(False)

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        loss = self.frozen(self.net(batch["x"])).square().mean()
        return loss * self.hparams.loss if batch_idx == self.hparams.spoilt else loss

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        self.log("val/loss", self.frozen(self.net(batch["x"])).square().mean())
        self.log("val/epoch", float(self.current_epoch))

    test_step = validation_step

    def sample_images(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        gray = batch["x"][:, :1, None, None].expand(-1, 3, 6, 5)
        return {"input": gray, "negative": 1 - gray}

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.3)


@pytest.fixture
def net() -> type[Net]:
    return Net


@pytest.fixture
def loader() -> DataLoader:
    return DataLoader(Points(), batch_size=2)


@pytest.fixture
def fit(tmp_path: Path, loader: DataLoader) -> Callable[..., tuple[Trainer, Net]]:
    """Train for some batches of two on the CPU, from a fixed seed."""

    def run(
        *callbacks: Callback, model: Net | None = None, resume: Path | None = None, **settings: Any
    ) -> tuple[Trainer, Net]:
        seed_everything(1, verbose=False)
        model = model or Net()
        trainer = Trainer(
            **{
                "accelerator": "cpu",
                "default_root_dir": tmp_path,
                "max_epochs": 1,
                "logger": False,
                "enable_checkpointing": False,
                "enable_progress_bar": False,
                "enable_model_summary": False,
                "plugins": [AtomicCheckpointIO()],
                "callbacks": list(callbacks),
                **settings,
            }
        )
        trainer.fit(model, loader, loader, ckpt_path=resume)
        return trainer, model

    return run
