"""A resumed run goes on at the very place where the checkpoint was written."""

from __future__ import annotations

from typing import Any

import torch.distributed as dist
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

__all__ = ["ProgressKeeper"]

_KEY = "accumulated_gradients"


class ProgressKeeper(Callback):
    """Makes checkpoints say unambiguously how far training had come.

    Lightning's counters have two readings in three places, and its restart takes the wrong one:
    a checkpoint written right after a batch that validation follows would skip this validation;
    one written after the last batch would skip the end of the epoch; and with ``max_steps`` one
    written at the end of an epoch would count the epoch twice, which changes the order of all
    that follow. Gradients that wait for more batches before the optimizer steps would be lost, and
    so would the place in the epoch where a learning-rate schedule asks for the run's length.
    """

    def __init__(self) -> None:
        self._gradients: dict[str, Tensor] = {}

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Write counters that have one reading, and the gradients of an unfinished step."""
        epoch_loop = trainer.fit_loop.epoch_loop
        _settle(checkpoint["loops"]["fit_loop"], trainer)
        if trainer.accumulate_grad_batches > 1 and epoch_loop._should_accumulate():
            gradients: list[Any] = [
                {
                    name: weight.grad
                    for name, weight in pl_module.named_parameters()
                    if weight.grad is not None
                }
            ]
            if dist.is_available() and dist.is_initialized():
                # processes exchange gradients only when the optimizer steps
                everyone: list[Any] = [None] * trainer.world_size
                dist.all_gather_object(everyone, gradients[0])
                gradients = everyone
            checkpoint[_KEY] = gradients

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Remember this process' gradients until training starts."""
        gradients = checkpoint.get(_KEY, [])
        # the loader refuses to go on inside an epoch with another number of processes
        same = len(gradients) == trainer.world_size
        self._gradients = gradients[trainer.global_rank] if same else {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the gradients and the loader back, and begin an epoch where one was finished."""
        parameters = dict(pl_module.named_parameters())
        for name, gradient in self._gradients.items():
            parameters[name].grad = gradient.to(parameters[name].device)
        self._gradients = {}
        # a schedule that asks how long the run is has the loaders made before there is a state
        # to load, and lightning loads none later
        trainer.fit_loop._load_combined_loader_states()
        epochs = trainer.fit_loop.epoch_progress.current
        if epochs.ready == epochs.completed:
            # with max_steps every resumed run counts as one that was cut inside an epoch
            trainer.fit_loop._restarting = False
            trainer.fit_loop.epoch_loop.restarting = False


def _settle(progress: dict[str, Any], trainer: Trainer) -> None:
    """Resolve the ambiguous counters of the training loop's state in place."""
    batches = progress["epoch_loop.batch_progress"]
    validation = progress["epoch_loop.val_loop.batch_progress"]
    epochs = progress["epoch_progress"]
    if epochs["current"]["processed"] == epochs["current"]["ready"]:
        _complete(epochs)
    # one that was begun twice, by an earlier resume, would look unfinished forever
    validation["total"] = dict.fromkeys(validation["total"], validation["total"]["completed"])
    # only inside on_train_batch_end is a batch processed and not completed
    if batches["total"]["processed"] == batches["total"]["completed"]:
        return
    fetcher = trainer.fit_loop._data_fetcher
    if fetcher is not None and trainer.fit_loop.epoch_loop._should_check_val_fx(fetcher):
        _complete(batches)
        # a validation that has begun and not finished its first batch is begun again
        begun = {"ready": 1, "started": 1, "processed": 0, "completed": 0}
        validation["total"], validation["current"] = begun, dict(begun)
    elif batches["is_last_batch"]:
        _complete(batches)
        progress["epoch_loop.state_dict"]["_batches_that_stepped"] += 1
        for state in progress["state_dict"].get("combined_loader", []):
            # an epoch cut short by limit_train_batches has more batches to give
            if "batches" in state:
                state["batch"] = state["batches"]


def _complete(progress: dict[str, Any]) -> None:
    for counters in (progress["total"], progress["current"]):
        counters["completed"] = counters["processed"]
