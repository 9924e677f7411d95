"""A generator trained against a discriminator, by every way that the trainer offers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, cast

import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.optim import Adam, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from lightning_face.modules import FaceModule
from lightning_face_sis.modules.optimization import (
    average_gradients,
    learning_rate_factor,
    player_optimizer,
)

__all__ = ["AdversarialModule", "Terms"]

Terms = dict[str, Tensor]
"""Weighted scalars by name, whose sum is minimised."""


class AdversarialModule(FaceModule):
    """The game of a generator and a discriminator.

    In every iteration the generator makes a step, then the discriminator, on pictures that the
    generator makes anew, unless it rests. The trainer's ``accumulate_grad_batches``,
    ``gradient_clip_val`` and ``precision`` hold for both players; ``max_steps`` counts the steps of
    both, two in an iteration.

    Weights to share are those of the generator: the discriminator is no part of ``state_dict``,
    but lies in the checkpoints of the training, which goes on from there.

    A subclass gives the networks, keeps its arguments as hyperparameters, among them those that
    `player_optimizer` and `learning_rate_factor` read, and says what both players minimise.
    """

    generator: nn.Module
    discriminator: nn.Module
    apart: ClassVar[tuple[str, ...]] = ("discriminator.",)
    """Beginnings of the names of weights that are no part of ``state_dict``."""

    _has_weights = False

    @abstractmethod
    def generator_terms(self, batch: Any) -> Terms:  # noqa: ANN401
        """Compute what the generator minimises."""

    @abstractmethod
    def discriminator_terms(self, batch: Any) -> Terms:  # noqa: ANN401
        """Compute what the discriminator minimises, with gradients for it alone."""

    def generator_groups(self) -> dict[float, list[nn.Parameter]]:
        """Give what the generator trains by a factor on its learning rate."""
        return {1.0: list(self.generator.parameters())}

    def setup(self, stage: str) -> None:
        """Compare sizes with the data, and take the optimisation over.

        Raises:
            ConfigError: If the data have other sizes.
        """
        super().setup(stage)
        # Lightning refuses clipping and accumulation to modules that are manual before this: it
        # would not see to either, which this module does
        self.automatic_optimization = False

    def on_fit_start(self) -> None:
        """Prepare what training begins with, unless there are weights to go on from."""
        if not self._has_weights:
            self.start_afresh()
        self._has_weights = True

    def start_afresh(self) -> None:
        """Prepare what training begins with; a resumed run and loaded weights do without."""

    def training_step(self, batch: Any, batch_idx: int) -> None:  # noqa: ANN401
        """Let the players learn from a batch."""
        optimizers = cast("list[LightningOptimizer]", self.optimizers())
        turns = (self.generator_terms, self.discriminator_terms)
        # the generator may play alone
        for index, terms_of in zip(self.players, turns, strict=False):
            self._learn(optimizers[index], terms_of, batch, batch_idx)

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Clip gradients as the trainer is set to, behind the gradient scaler."""
        self.clip_gradients(optimizer)

    def on_train_epoch_end(self) -> None:
        """Set the learning rates of the next epoch."""
        schedulers = cast("list[LambdaLR]", self.lr_schedulers())
        for index in self.players:
            schedulers[index].step()

    def configure_optimizers(self) -> tuple[list[Any], list[Any]]:
        """Set up an optimiser and a schedule for both players."""
        judges = {1.0: list(self.discriminator.parameters())}
        optimizers = [
            self.player_optimizer(self.generator_groups(), first=True),
            self.player_optimizer(judges, first=False),
        ]
        return optimizers, [LambdaLR(each, self.learning_rate_factor) for each in optimizers]

    def player_optimizer(self, groups: dict[float, list[nn.Parameter]], first: bool) -> Adam:
        """Set up the optimiser of one player.

        Args:
            groups: What it trains, by a factor on its learning rate.
            first: Whether it is on the generator's side.
        """
        hparams = self.hparams
        return player_optimizer(
            groups, hparams["lr"], hparams["betas"], hparams["two_time_scales"], first
        )

    def learning_rate_factor(self, epoch: int) -> float:
        """Give the factor on all learning rates in an epoch."""
        hparams = self.hparams
        return learning_rate_factor(
            hparams["lr_schedule"], epoch, hparams["constant_epochs"], hparams["decay_epochs"]
        )

    @property
    def players(self) -> tuple[int, ...]:
        """Places of generator and discriminator among the optimisers; the second may rest."""
        return 0, 1

    def state_dict(  # type: ignore[override]
        self,
        *args: Any,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> dict[str, Any]:
        """Return the weights to share, as `torch.nn.Module.state_dict` does."""
        whole = super().state_dict(*args, **kwargs)
        return {name: value for name, value in whole.items() if not name.startswith(self.apart)}

    def load_state_dict(self, state_dict: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Load weights to share; what is not among them stays as it is."""
        self._has_weights = True
        whole = super().state_dict()
        apart = {name: value for name, value in whole.items() if name.startswith(self.apart)}
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
        try:
            # the gradients of the other player wait for their own turn
            with optimizer.toggle_model(sync_grad=False):
                terms = terms_of(batch)
                self.manual_backward(torch.stack(list(terms.values())).sum() / every)
        finally:
            # an interrupted step would leave the other player frozen for good
            self.untoggle_optimizer(optimizer)
        logged = {f"train/{name}": term.detach() for name, term in terms.items()}
        self.log_dict(logged, batch_size=len(batch["images"]), sync_dist=True)
        if (batch_idx + 1) % every and not self.trainer.is_last_batch:
            return
        if self.trainer.world_size > 1:
            average_gradients(each for group in optimizer.param_groups for each in group["params"])
        optimizer.step()
        optimizer.zero_grad()
