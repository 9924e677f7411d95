"""Learning rates and the weight of the teacher over a training."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["WarmUpCosine", "distillation_weight"]


@dataclass(frozen=True)
class WarmUpCosine:
    """Learning rates that are warmed up in the first epoch and then fall like a cosine.

    In the first epoch the rate changes after every ``warmup_interval`` iterations, from
    ``warmup_lr`` to the group's own; in every later one it is constant.

    Attributes:
        epochs: Epochs of the whole training.
        min_lr: Rate at the end.
        warmup_lr: Rate at the start, the same for all groups.
        warmup_changes: Changes until each group has its own rate; 0 begins with it.
        warmup_interval: Iterations between two changes.

    Source:
        The published training of MARS and RaSa, which is that of ALBEF.
    """

    epochs: float = 30
    min_lr: float = 1e-6
    warmup_lr: float = 1e-5
    warmup_changes: int = 1
    warmup_interval: int = 100

    def learning_rate(self, base: float, epoch: int, iteration: int) -> float:
        """Give the rate in force during an iteration.

        Args:
            base: Rate of the group after the warm-up.
            epoch: Epoch, from 0.
            iteration: Iteration in the epoch, from 0.
        """
        if epoch > 0:
            fall = 0.5 * (1.0 + math.cos(math.pi * epoch / self.epochs))
            return self.min_lr + (base - self.min_lr) * fall
        # a change is made behind the iteration whose number is a multiple of the interval
        changes = max(iteration - 1, 0) // self.warmup_interval
        if changes >= self.warmup_changes:
            return base
        return self.warmup_lr + (base - self.warmup_lr) * changes / self.warmup_changes


def distillation_weight(
    alpha: float, epoch: int, iteration: int, iterations: int, ramp_epochs: int = 1
) -> float:
    """Give the weight of the teacher, which rises in the first epochs.

    Args:
        alpha: Weight at the end of the rise.
        epoch: Epoch, from 0.
        iteration: Iteration in the epoch, from 0.
        iterations: Iterations of an epoch.
        ramp_epochs: Epochs of the rise; 0 begins with ``alpha``. Published is 1.
    """
    done = epoch * iterations + iteration
    return alpha * min(1.0, done / (ramp_epochs * iterations)) if ramp_epochs else alpha
