"""Exponential moving average of the weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor

from lightning_face.errors import ConfigError

__all__ = ["EMA", "EMAPace", "EMASchedule", "warm_up_decay"]

EMAPace = Literal["step", "batch"]
"""Whether an average takes the weights up after every optimizer step or after every batch."""

_KEY = "ema_trained_weights"


@dataclass(frozen=True)
class EMASchedule:
    """A decay that grows, so that the weights of the beginning are soon forgotten.

    It is the schedule of the ``ema_pytorch`` library, which many GANs are published with.

    Args:
        update_after_step: Steps at the beginning in which the average is a mere copy.
        update_every: Steps from one update to the next; the average rests in between.
        power: How fast the decay grows, see `decay_at`.
    """

    update_after_step: int = 100
    update_every: int = 10
    power: float = 0.75

    def __post_init__(self) -> None:
        """Refuse settings without a meaning."""
        if self.update_after_step < 0 or self.update_every < 1 or self.power <= 0:
            msg = (
                "a schedule of EMA needs update_after_step >= 0, update_every >= 1 and power > 0, "
                f"got {self.update_after_step}, {self.update_every} and {self.power}"
            )
            raise ConfigError(msg)

    def decay_at(self, step: int, largest: float) -> float:
        """Return the share of the old average in the new one, in [0, 1].

        It is ``1 - (1 + step - update_after_step) ** -power`` from the end of the beginning on, 0
        up to there, and 1 in steps that are left out.

        Args:
            step: Optimizer steps done before this one.
            largest: What the decay grows to.
        """
        if step % self.update_every:
            return 1.0
        if step <= self.update_after_step:
            return 0.0
        grown = 1 - (1 + step - self.update_after_step) ** -self.power
        return float(min(grown, largest))


def warm_up_decay(updates: int, largest: float) -> float:
    """Return the share of the old average in the new one, ``(1 + n) / (10 + n)`` at update n.

    It is the growth of TensorFlow's averages and of the published latent diffusion models.

    Args:
        updates: Updates done before this one.
        largest: What the decay grows to.
    """
    return min(largest, (2 + updates) / (11 + updates))


class EMA(Callback):
    """Averages the trained weights over the steps and evaluates, saves and exports the average.

    After every batch in which an optimizer stepped, ``average = decay * average + (1 - decay) *
    weights``; batches that only accumulate gradients do not count, unless asked to. The average is
    in single precision at least. Validation, test and prediction see it, unless they read a file.
    In a checkpoint, ``state_dict`` is the average, so that everything that loads the file gets what
    was validated, and the weights that training goes on with lie beside it.

    Args:
        decay: Share of the old average, in [0, 1); with a schedule, what the share grows to.
        schedule: How the share grows: settings of a power law, or ``warm_up`` for
            ``(1 + n) / (10 + n)`` at the n-th update; null has it constant from the first step on.
        parts: Parts of the model to average, by the names of their attributes, such as
            ``generator`` or ``network.unet``; null is the whole model.
        every: ``step`` updates the average behind every optimizer step, ``batch`` also behind
            batches that only accumulate gradients.
    """

    def __init__(
        self,
        decay: float = 0.999,
        schedule: EMASchedule | Literal["warm_up"] | None = None,
        parts: Sequence[str] | None = None,
        every: EMAPace = "step",
    ) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"the decay of EMA has to lie in [0, 1), not {decay}")
        if every not in get_args(EMAPace):
            raise ConfigError(f"EMA updates every step or batch, not every {every!r}")
        if not (schedule in (None, "warm_up") or isinstance(schedule, EMASchedule)):
            raise ConfigError(
                f"the schedule of EMA is null, warm_up or settings of a power law, not {schedule!r}"
            )
        self.decay = decay
        self.schedule = schedule
        self.parts = parts
        self.every = every
        self._average: dict[str, Tensor] = {}
        self._trained: dict[str, Tensor] | None = None
        self._model: LightningModule | None = None
        self._step = 0
        self._updates = 0

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Refuse checkpoints without an average.

        Raises:
            ConfigError: If a checkpoint callback saves weights only.
        """
        keepers = [
            each for each in trainer.checkpoint_callbacks if isinstance(each, ModelCheckpoint)
        ]
        if stage == "fit" and any(each.save_weights_only for each in keepers):
            # Lightning does not ask callbacks then
            raise ConfigError(
                "ModelCheckpoint with save_weights_only would save the weights that EMA averages, "
                "not their average: leave it out, or export a whole checkpoint"
            )

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin with the weights as they are, unless an average was restored.

        Raises:
            ConfigError: If one of the parts has no weight that is trained.
        """
        with torch.no_grad():
            self._average = {
                name: self._average.get(name, weight).to(
                    # steps of an average are lost in half precision
                    weight.device,
                    torch.promote_types(weight.dtype, torch.float32),
                    copy=True,
                )
                for name, weight in self._averaged_parameters(pl_module).items()
            }
        self._model = pl_module
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
        if self.every == "step" and trainer.global_step == self._step:
            return
        self._step = trainer.global_step
        decay = self._decay_now()
        self._updates += 1
        with torch.no_grad():
            parameters = dict(pl_module.named_parameters())
            for name, average in self._average.items():
                average.lerp_(parameters[name].to(average.dtype), 1 - decay)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the average into the model."""
        self._show(trainer, pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the trained weights back."""
        self._restore(pl_module)

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the average into the model."""
        self._show(trainer, pl_module)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the trained weights back."""
        self._restore(pl_module)

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the average into the model."""
        self._show(trainer, pl_module)

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the trained weights back."""
        self._restore(pl_module)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Put the trained weights back also when an evaluation fails."""
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

    def state_dict(self) -> dict[str, Any]:
        """Return how many updates a run has behind it, on which the schedule depends."""
        return {"updates": self._updates}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the count of updates of a run that goes on."""
        self._updates = state_dict["updates"]

    def averaged_state_dict(self, pl_module: LightningModule) -> dict[str, Tensor]:
        """Return the model's ``state_dict`` with the averages in place of the trained weights.

        Args:
            pl_module: Model that is trained.
        """
        state_dict = pl_module.state_dict()
        return {name: self._average.get(name, tensor) for name, tensor in state_dict.items()}

    def _decay_now(self) -> float:
        if self.schedule is None:
            return self.decay
        if isinstance(self.schedule, EMASchedule):
            return self.schedule.decay_at(self._updates, self.decay)
        return warm_up_decay(self._updates, self.decay)

    def _averaged_parameters(self, pl_module: LightningModule) -> dict[str, Tensor]:
        trained = _trained_parameters(pl_module)
        if self.parts is None:
            return trained
        chosen: dict[str, Tensor] = {}
        for part in self.parts:
            own = {name: each for name, each in trained.items() if name.startswith(f"{part}.")}
            if not own:
                found = ", ".join(sorted({name.partition(".")[0] for name in trained}))
                msg = f"EMA averages parts={part!r}, but what is trained is {found}"
                raise ConfigError(msg)
            chosen |= own
        return chosen

    def _show(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the average into the model, unless its weights come from elsewhere."""
        own = trainer.state.fn == "fit" or trainer.ckpt_path is None
        # the sanity check comes before training has begun
        if self._average and own and pl_module is self._model:
            self._trained = _exchange(pl_module, self._average)

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
