"""A loss that is not a number ends the run before it reaches the weights."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from lightning_face.errors import NonFiniteLoss

__all__ = ["FiniteLoss"]


class FiniteLoss(Callback):
    """Stops training at an infinite or undefined loss and names the files of the batch.

    Only the loss is looked at: with a gradient scaler, infinite gradients are part of the search
    for the scale.
    """

    def __init__(self) -> None:
        self._batch: Any = None

    def on_train_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        """Remember the batch for the message."""
        self._batch = batch

    def on_before_backward(
        self, trainer: Trainer, pl_module: LightningModule, loss: Tensor
    ) -> None:
        """Check the loss.

        Raises:
            NonFiniteLoss: If any value of it is infinite or not a number.
        """
        if torch.isfinite(loss).all():
            return
        files = self._batch.get("files") if isinstance(self._batch, dict) else None
        made_of = f"made of {', '.join(map(str, files))}" if files else "that names no files"
        raise NonFiniteLoss(
            f"the loss is {loss.detach().float().mean().item()} at step {trainer.global_step} "
            f"(epoch {trainer.current_epoch}), in a batch {made_of}; look at these files, or lower "
            "the learning rate"
        )
