"""The optimisers of the two players, and what their learning rates do over the epochs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import torch
import torch.distributed as dist
from torch import nn
from torch.optim import Adam
from torch.optim.lr_scheduler import LambdaLR

__all__ = [
    "LearningRateSchedule",
    "average_gradients",
    "configure_players",
    "learning_rate_factor",
]

LearningRateSchedule = Literal["linear", "constant"]


def learning_rate_factor(
    schedule: LearningRateSchedule, epoch: int, constant_epochs: int, decay_epochs: int
) -> float:
    """Give the factor on a learning rate in an epoch.

    Args:
        schedule: ``linear`` falls by equal steps behind the constant epochs, and reaches 0 one
            epoch behind the last; ``constant`` does not.
        epoch: Number of the epoch, from 0.
        constant_epochs: Epochs before the first that has a lower rate, less one.
        decay_epochs: Epochs of falling.

    Source: the published code, which takes the first step behind epoch ``constant_epochs + 1``.
    """
    if schedule == "constant":
        return 1.0
    return 1 - min(max(0, epoch - constant_epochs), decay_epochs) / max(1, decay_epochs)


def configure_players(
    generator: Iterable[nn.Parameter],
    discriminator: Iterable[nn.Parameter],
    lr: float,
    two_time_scales: bool,
    schedule: LearningRateSchedule,
    constant_epochs: int,
    decay_epochs: int,
) -> tuple[list[Adam], list[LambdaLR]]:
    """Set up Adam and the schedule for both players.

    Args:
        generator: What the generator trains; frozen parameters are left out.
        discriminator: The same of the discriminator.
        lr: Learning rate.
        two_time_scales: Let the discriminator learn at ``2 lr`` and the generator at ``lr / 2``,
            with decay rates 0 and 0.9; otherwise both at ``lr``, with 0.5 and 0.999.
        schedule: See `learning_rate_factor`.
        constant_epochs: See `learning_rate_factor`.
        decay_epochs: See `learning_rate_factor`.

    Returns:
        The optimisers of generator and discriminator, and their schedules counted in epochs.

    Source:
        Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
        Equilibrium", with the factors of the published code.
    """
    betas = (0.0, 0.9) if two_time_scales else (0.5, 0.999)
    factors = (0.5, 2.0) if two_time_scales else (1.0, 1.0)
    optimizers = [
        Adam([each for each in player if each.requires_grad], lr=factor * lr, betas=betas)
        for player, factor in zip((generator, discriminator), factors, strict=True)
    ]
    schedulers = [
        LambdaLR(
            optimizer,
            lambda epoch: learning_rate_factor(schedule, epoch, constant_epochs, decay_epochs),
        )
        for optimizer in optimizers
    ]
    return optimizers, schedulers


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Average gradients over all processes, in place.

    `torch.nn.parallel.DistributedDataParallel` waits for the gradients of all parameters, but each
    backward pass of a game between two players reaches those of one.

    Args:
        parameters: The same on all processes; those without a gradient are left out.
    """
    gradients = [each.grad for each in parameters if each.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    parts = flat.split([gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))
