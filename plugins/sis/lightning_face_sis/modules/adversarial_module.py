"""A generator trained against a discriminator, by every way that the trainer offers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, cast

import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from lightning_face.modules import FaceModule
from lightning_face_sis.modules.optimization import average_gradients, configure_players

__all__ = ["AdversarialModule", "Terms"]

Terms = dict[str, Tensor]
"""Weighted scalars by name, whose sum is minimised."""

_APART = "discriminator."


class AdversarialModule(FaceModule):
    """The game of a generator and a discriminator.

    In every iteration the generator makes a step, then the discriminator, on pictures that the
    generator makes anew. The trainer's ``accumulate_grad_batches``, ``gradient_clip_val`` and
    ``precision`` hold for both players; ``max_steps`` counts the steps of both, two in an
    iteration.

    Weights to share are those of the generator: the discriminator is no part of ``state_dict``,
    but lies in the checkpoints of the training, which goes on from there.

    A subclass gives the networks, keeps its arguments as hyperparameters, among them those of
    `configure_players`, and says what both players minimise.
    """

    generator: nn.Module
    discriminator: nn.Module

    @abstractmethod
    def generator_terms(self, batch: Any) -> Terms:  # noqa: ANN401
        """Compute what the generator minimises."""

    @abstractmethod
    def discriminator_terms(self, batch: Any) -> Terms:  # noqa: ANN401
        """Compute what the discriminator minimises, with gradients for it alone."""

    def setup(self, stage: str) -> None:
        """Compare sizes with the data, and take the optimisation over.

        Raises:
            ConfigError: If the data have other sizes.
        """
        super().setup(stage)
        # Lightning refuses clipping and accumulation to modules that are manual before this: it
        # would not see to either, which this module does
        self.automatic_optimization = False

    def training_step(self, batch: Any, batch_idx: int) -> None:  # noqa: ANN401
        """Let both players learn from a batch."""
        generator, discriminator = self._optimizers()
        self._learn(generator, self.generator_terms, batch, batch_idx)
        self._learn(discriminator, self.discriminator_terms, batch, batch_idx)

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Clip gradients as the trainer is set to, behind the gradient scaler."""
        self.clip_gradients(optimizer)

    def on_train_epoch_end(self) -> None:
        """Set the learning rates of the next epoch."""
        schedulers = self.lr_schedulers()
        for scheduler in schedulers if isinstance(schedulers, list) else [schedulers]:
            if isinstance(scheduler, LambdaLR):
                scheduler.step()

    def configure_optimizers(self) -> tuple[list[Any], list[Any]]:
        """Set up an optimiser and a schedule for both players."""
        hparams = self.hparams
        return configure_players(
            self.generator.parameters(),
            self.discriminator.parameters(),
            lr=hparams["lr"],
            two_time_scales=hparams["two_time_scales"],
            schedule=hparams["lr_schedule"],
            constant_epochs=hparams["constant_epochs"],
            decay_epochs=hparams["decay_epochs"],
        )

    def state_dict(  # type: ignore[override]
        self,
        *args: Any,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> dict[str, Any]:
        """Return the weights to share, as `torch.nn.Module.state_dict` does."""
        whole = super().state_dict(*args, **kwargs)
        return {name: value for name, value in whole.items() if not name.startswith(_APART)}

    def load_state_dict(self, state_dict: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Load weights to share; what is not among them stays as it is."""
        whole = super().state_dict()
        apart = {name: value for name, value in whole.items() if name.startswith(_APART)}
        return super().load_state_dict({**apart, **state_dict}, *args, **kwargs)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put the discriminator into the checkpoint."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["discriminator"] = self.discriminator.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the discriminator out of the checkpoint."""
        self.discriminator.load_state_dict(checkpoint["discriminator"])

    def _learn(
        self,
        optimizer: LightningOptimizer,
        terms_of: Callable[[Any], Terms],
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        """Take gradients, and a step where the trainer wants one."""
        every = self.trainer.accumulate_grad_batches
        # the gradients of the other player wait for their own turn
        with optimizer.toggle_model(sync_grad=False):
            terms = terms_of(batch)
            self.manual_backward(torch.stack(list(terms.values())).sum() / every)
        logged = {f"train/{name}": term.detach() for name, term in terms.items()}
        self.log_dict(logged, batch_size=len(batch["images"]), sync_dist=True)
        if (batch_idx + 1) % every and not self.trainer.is_last_batch:
            return
        if self.trainer.world_size > 1:
            average_gradients(each for group in optimizer.param_groups for each in group["params"])
        optimizer.step()
        optimizer.zero_grad()

    def _optimizers(self) -> tuple[LightningOptimizer, LightningOptimizer]:
        generator, discriminator = cast("list[LightningOptimizer]", self.optimizers())
        return generator, discriminator
