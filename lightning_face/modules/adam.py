"""Adam and a learning-rate schedule."""

from __future__ import annotations

import math
from typing import Literal

from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import nn
from torch.optim import Adam
from torch.optim.lr_scheduler import LambdaLR

__all__ = ["LearningRateSchedule", "configure_adam", "learning_rate_factor"]

LearningRateSchedule = Literal["constant", "cosine"]

_WARMUP = 0.05


def learning_rate_factor(step: int, steps: float) -> float:
    """Give the factor of ``cosine`` on the learning rate at a step of the optimiser.

    It rises over the first twentieth of the run and falls to 0 at its end.

    Args:
        step: Steps done.
        steps: Steps of the whole run; infinite for a run without an end.
    """
    if math.isinf(steps):
        return 1.0
    rising = _WARMUP * steps
    if step < rising:
        return (step + 1) / (rising + 1)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rising) / (steps - rising))))


def configure_adam(
    module: nn.Module, lr: float, schedule: LearningRateSchedule, steps: float
) -> OptimizerLRScheduler:
    """Set up Adam with its default settings, no weight decay, and the schedule.

    Args:
        module: Whose parameters to train; frozen ones are left out.
        lr: Learning rate.
        schedule: ``constant``, or ``cosine`` with a warm-up.
        steps: Optimiser steps of the whole run.
    """
    optimizer = Adam([each for each in module.parameters() if each.requires_grad], lr=lr)
    if schedule == "constant":
        return optimizer
    scheduler = LambdaLR(optimizer, lambda step: learning_rate_factor(step, steps))
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
