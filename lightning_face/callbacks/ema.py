"""Exponential moving average of the weights."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

__all__ = ["EMA"]

_KEY = "ema_trained_weights"


class EMA(Callback):
    """Averages the trained weights over the steps and evaluates, saves and exports the average.

    After every batch in which an optimizer stepped, ``average = decay * average + (1 - decay) *
    weights``; batches that only accumulate gradients do not count. Validation and test see the
    average. In a checkpoint, ``state_dict`` is the average, so that everything that loads the file
    gets what was validated, and the weights that training goes on with lie beside it.

    Args:
        decay: Share of the old average, in [0, 1).
    """

    def __init__(self, decay: float = 0.999) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"the decay of EMA has to lie in [0, 1), not {decay}")
        self.decay = decay
        self._average: dict[str, Tensor] = {}
        self._trained: dict[str, Tensor] | None = None
        self._step = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin with the weights as they are, unless an average was restored."""
        with torch.no_grad():
            self._average = {
                name: self._average.get(name, weight).to(weight.device, copy=True)
                for name, weight in _trained_parameters(pl_module).items()
            }
        self._step = trainer.global_step

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        """Take the new weights into the average, if there are new ones."""
        if trainer.global_step == self._step:
            return
        self._step = trainer.global_step
        with torch.no_grad():
            for name, weight in _trained_parameters(pl_module).items():
                self._average[name].lerp_(weight, 1 - self.decay)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the average into the model."""
        # the sanity check comes before training has begun
        if self._average:
            self._trained = _exchange(pl_module, self._average)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the trained weights back."""
        self._restore(pl_module)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Put the trained weights back also when validation fails."""
        self._restore(pl_module)

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Save the average as the model's weights, and the trained ones beside them."""
        if not self._average:
            return
        trained = self._trained or _trained_parameters(pl_module)
        saved = checkpoint["state_dict"]
        # a model may leave weights out of its state_dict, such as those of a loss network
        names = [name for name in self._average if name in saved]
        checkpoint[_KEY] = {name: trained[name].detach() for name in names}
        checkpoint["state_dict"] = {**saved, **{name: self._average[name] for name in names}}

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Take up average and trained weights of a run that goes on; others use the average."""
        if trainer.state.fn == "fit" and _KEY in checkpoint:
            trained = checkpoint[_KEY]
            self._average = {name: checkpoint["state_dict"][name].clone() for name in trained}
            _exchange(pl_module, trained)

    def averaged_state_dict(self, pl_module: LightningModule) -> dict[str, Tensor]:
        """Return the model's ``state_dict`` with the averages in place of the trained weights.

        Args:
            pl_module: Model that is trained.
        """
        state_dict = pl_module.state_dict()
        return {name: self._average.get(name, tensor) for name, tensor in state_dict.items()}

    def _restore(self, pl_module: LightningModule) -> None:
        if self._trained is not None:
            _exchange(pl_module, self._trained)
            self._trained = None


def _trained_parameters(module: torch.nn.Module) -> dict[str, Tensor]:
    return {name: weight for name, weight in module.named_parameters() if weight.requires_grad}


def _exchange(module: torch.nn.Module, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copy weights into a module and return copies of those that were there."""
    before: dict[str, Tensor] = {}
    with torch.no_grad():
        parameters = dict(module.named_parameters())
        for name, weight in weights.items():
            before[name] = parameters[name].detach().clone()
            parameters[name].copy_(weight)
    return before
