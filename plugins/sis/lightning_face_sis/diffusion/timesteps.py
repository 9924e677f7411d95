"""Which timesteps a sampler visits."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from lightning_face.errors import ConfigError
from lightning_face_sis.diffusion.noise_schedule import NoiseSchedule

__all__ = ["Spacing", "spaced_timesteps"]

Spacing = Literal["reference", "linspace", "log_snr"]
"""How timesteps are spread: as in the published code, evenly, or evenly in the logarithm of the
ratio of signal to noise."""


def spaced_timesteps(
    schedule: NoiseSchedule, steps: int, spacing: Spacing = "linspace", cleanest: int = 1
) -> Tensor:
    """Choose the timesteps of a sampler.

    ``reference`` takes every n-th timestep, counted from 1, as the published code does: where
    ``steps`` does not divide the length of the schedule there are more of them than asked for (30
    gives 31, 150 gives 167). The other two give exactly ``steps``, from the cleanest to the last.

    Args:
        schedule: The noise levels.
        steps: Number of timesteps, less than the schedule has.
        spacing: How to spread them.
        cleanest: First timestep: 1 where a step leads on to timestep 0, 0 where it leads to no
            noise at all. ``reference`` always has 1.

    Returns:
        Timesteps, rising, ``torch.int64`` ``(steps,)``.

    Raises:
        ConfigError: The spacing is unknown, or there are too many or too few steps.

    Source:
        Song et al., "Denoising Diffusion Implicit Models" (arXiv 2010.02502), section 4.2; Lu et
        al., "DPM-Solver" (arXiv 2206.00927), section 3.4, for steps even in the logarithm.
    """
    total = len(schedule)
    if not 1 <= steps < total:
        msg = f"steps={steps} must lie between 1 and {total - 1}"
        raise ConfigError(msg)
    if spacing == "reference":
        # where the published code fails, at a timestep that does not exist, the last one is meant
        return (torch.arange(0, total, total // steps) + 1).clamp_max(total - 1).unique()
    if spacing == "linspace":
        return (
            torch.linspace(total - 1, cleanest, steps, dtype=torch.float64).round().long().flip(0)
        )
    if spacing == "log_snr":
        return _even_in_log_snr(schedule, steps, cleanest)
    msg = f"spacing={spacing!r} must be one of {', '.join(get_args(Spacing))}"
    raise ConfigError(msg)


def _even_in_log_snr(schedule: NoiseSchedule, steps: int, cleanest: int) -> Tensor:
    left = schedule.alphas_cumprod.double().cpu()
    ratio = (left / (1 - left)).log()[cleanest:]
    wanted = torch.linspace(float(ratio[-1]), float(ratio[0]), steps, dtype=torch.float64).flip(0)
    nearest = (ratio[None] - wanted[:, None]).abs().argmin(dim=1) + cleanest
    # among the first timesteps the ratio changes so fast that several steps meet in one
    places = torch.arange(steps)
    rising = (nearest - places).cummax(0).values + places
    return torch.minimum(rising, len(left) - steps + places)
