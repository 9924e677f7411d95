"""The optimiser and the learning-rate schedule that all modules share."""

from __future__ import annotations

import math
from typing import Any, Literal

from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

__all__ = ["LearningRateSchedule", "configure_adamw", "learning_rate_factor", "parameter_groups"]

LearningRateSchedule = Literal["constant", "cosine"]

_UNDECAYED_NAMES = ("pos_embedding", "cls_token", "temporal_cls_token", "temperature", "table")


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Split what is trained into weights that decay and parameters that do not.

    Matrices and filters decay. Norms, biases, tokens, position tables and temperatures do not:
    zero is no natural value of theirs.

    Args:
        module: Whose parameters to split; frozen ones are left out.
        weight_decay: Decay of the first group.

    Returns:
        The two groups for an optimiser, empty ones left out.
    """
    decayed: list[nn.Parameter] = []
    undecayed: list[nn.Parameter] = []
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            plain = parameter.dim() < 2 or name.rpartition(".")[2] in _UNDECAYED_NAMES
            (undecayed if plain else decayed).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": undecayed, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def learning_rate_factor(
    schedule: LearningRateSchedule, warmup: float, step: int, steps: float
) -> float:
    """Give the factor on the learning rate at a step of the optimiser.

    Args:
        schedule: ``constant``, or ``cosine`` down to 0 at the end of the run.
        warmup: Part of the run in which the factor of ``cosine`` rises linearly to 1.
        step: Steps done.
        steps: Steps of the whole run; infinite for a run without an end.
    """
    if schedule == "constant" or math.isinf(steps):
        return 1.0
    rising = warmup * steps
    if step < rising:
        return (step + 1) / (rising + 1)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rising) / max(steps - rising, 1))))


def configure_adamw(
    module: nn.Module,
    lr: float,
    weight_decay: float,
    no_decay: bool,
    schedule: LearningRateSchedule,
    warmup: float,
    steps: float,
) -> OptimizerLRScheduler:
    """Set up AdamW with betas 0.9 and 0.999, and its schedule counted in optimiser steps.

    Args:
        module: Whose parameters to train; frozen ones are left out.
        lr: Learning rate.
        weight_decay: Decoupled weight decay.
        no_decay: Keep norms, biases, tokens and temperatures from decaying.
        schedule: Shape of the learning rate, see `learning_rate_factor`.
        warmup: Part of the run in which a cosine rises.
        steps: Optimiser steps of the whole run.
    """
    if no_decay:
        groups = parameter_groups(module, weight_decay)
    else:
        trained = [each for each in module.parameters() if each.requires_grad]
        groups = [{"params": trained, "weight_decay": weight_decay}]
    optimizer = AdamW(groups, lr=lr, betas=(0.9, 0.999))
    if schedule == "constant":
        return optimizer
    scheduler = LambdaLR(
        optimizer, lambda step: learning_rate_factor(schedule, warmup, step, steps)
    )
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
