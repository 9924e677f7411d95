"""The optimisers of the two players, and what their learning rates do over the epochs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import torch
import torch.distributed as dist
from torch import nn
from torch.optim import Adam

__all__ = [
    "LearningRateSchedule",
    "average_gradients",
    "learning_rate_factor",
    "player_optimizer",
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


def player_optimizer(
    groups: Mapping[float, Iterable[nn.Parameter]],
    lr: float,
    betas: tuple[float, float] | None,
    two_time_scales: bool,
    first: bool,
) -> Adam:
    """Set up Adam for one of two players.

    Args:
        groups: What the player trains, by a factor on its learning rate; frozen parameters are
            left out.
        lr: Learning rate.
        betas: Decay rates of Adam's averages; None is 0 and 0.9 with two time scales, and 0.5 and
            0.999 without.
        two_time_scales: Let the first player learn at ``lr / 2`` and the second at ``2 lr``;
            otherwise both learn at ``lr``.
        first: Whether it is the first player, the generator.

    Source:
        Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
        Equilibrium", with the factors of the published code.
    """
    if two_time_scales:
        lr = lr / 2 if first else 2 * lr
    if betas is None:
        betas = (0.0, 0.9) if two_time_scales else (0.5, 0.999)
    trained = [
        {"params": [each for each in parameters if each.requires_grad], "lr": factor * lr}
        for factor, parameters in groups.items()
    ]
    return Adam(trained, lr=lr, betas=(betas[0], betas[1]))


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
