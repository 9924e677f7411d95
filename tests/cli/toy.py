"""The smallest useful plugin: a linear model on random points, in one module."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from lightning.pytorch import LightningModule
from torch import Tensor
from torch.utils.data import TensorDataset

from lightning_face.checkpoint.importer import ImportedWeights, apply_key_map
from lightning_face.checkpoint.safe_load import load_tensors
from lightning_face.data.face_data_module import FaceDataModule
from lightning_face.data.loader import ResumableLoader
from lightning_face.errors import ConfigError


class ToyModel(LightningModule):
    """A linear map with dropout.

    Args:
        width: Number of inputs.
        lr: Step size.
        fail: Raise an error in the first training step.
        activation: Applied to the output.

    Raises:
        ConfigError: The step size is negative.
    """

    def __init__(
        self,
        width: int = 4,
        lr: float = 0.1,
        fail: bool = False,
        activation: torch.nn.Module | None = None,
    ) -> None:
        super().__init__()
        if lr < 0:
            raise ConfigError(f"model.lr {lr} is negative")
        self.fail = fail
        self.lr = lr
        self.save_hyperparameters(ignore=["activation"])
        self.net = torch.nn.Sequential(torch.nn.Linear(width, 1), torch.nn.Dropout(0.2))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        if self.fail:
            raise ValueError("the toy broke\nin two lines")
        if os.environ.get("TOY_INTERRUPT"):
            raise KeyboardInterrupt
        loss = (self(batch[0]) - batch[1]).square().mean()
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        self.log("val/loss", (self(batch[0]) - batch[1]).square().mean())

    def test_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        self.log("test/loss", (self(batch[0]) - batch[1]).square().mean())

    def predict_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        return self(batch[0])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.lr)


class OtherModel(ToyModel):
    """Takes depth in place of width.

    Args:
        depth: Ignored.
        lr: Step size.
    """

    def __init__(self, depth: int = 2, lr: float = 0.1) -> None:
        super().__init__(lr=lr)


class ToyData(FaceDataModule):
    """Random points on a plane.

    Args:
        size: Number of points.
        batch_size: Points in a batch.
    """

    def __init__(self, size: int = 16, batch_size: int = 4) -> None:
        super().__init__(root=".", batch_size=batch_size)
        self.size = size

    def setup(self, stage: str) -> None:
        points = torch.randn(self.size, 4, generator=torch.Generator().manual_seed(1))
        self.points = TensorDataset(points, points.sum(1, keepdim=True))

    def train_dataloader(self) -> ResumableLoader:
        return self.loader(self.points, train=True)

    def val_dataloader(self) -> ResumableLoader:
        return self.loader(self.points, train=False)

    test_dataloader = predict_dataloader = val_dataloader


def greet(argv: list[str]) -> int:
    """Say hello."""
    print("hello", *argv)
    return 3


def import_toy(source: Path) -> ImportedWeights:
    tensors = load_tensors(source)
    model = ToyModel()
    key_map = {name.removeprefix("net."): name for name in model.state_dict()}
    state_dict, report = apply_key_map(tensors, key_map, model.state_dict())
    return ImportedWeights(state_dict, "lightning_face_toy.ToyModel", {"width": 4}, report)
