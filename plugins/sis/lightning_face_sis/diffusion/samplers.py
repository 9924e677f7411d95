"""Ways from noise to clean latents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, cast, get_args

import torch
from torch import Tensor

from lightning_face.errors import ConfigError
from lightning_face_sis.diffusion.noise_schedule import NoiseSchedule
from lightning_face_sis.diffusion.timesteps import Spacing, spaced_timesteps

__all__ = [
    "DDIM",
    "PLMS",
    "DDIMTable",
    "DPMSolver",
    "Sampler",
    "SamplerName",
    "StepResult",
    "build_sampler",
    "ddim_table",
]

SamplerName = Literal["ddim", "plms", "dpm++"]
"""DDIM, pseudo linear multistep, or DPM-Solver++ of second order."""

PredictNoise = Callable[[Tensor, int], Tensor]
"""Gives the noise in latents ``(batch, channels, height, width)`` at a timestep."""


class StepResult(NamedTuple):
    """What a step of a sampler gives.

    Attributes:
        latents: Latents at the next noise level ``(batch, channels, height, width)``.
        clean: Clean latents as predicted at this step, of the same shape.
    """

    latents: Tensor
    clean: Tensor


class Sampler(Protocol):
    """Steps from the noisiest to the cleanest level; one object serves one trajectory.

    Attributes:
        timesteps: Timestep of each step, falling.
    """

    timesteps: tuple[int, ...]

    def step(
        self, index: int, latents: Tensor, predict: PredictNoise, noise: Tensor | None = None
    ) -> StepResult:
        """Go from one level to the next.

        Args:
            index: Number of the step, from 0.
            latents: Latents at ``timesteps[index]``.
            predict: The network.
            noise: Standard normal noise of a step that adds some.
        """
        ...


@dataclass(frozen=True)
class DDIMTable:
    """Noise levels of the timesteps that DDIM visits, rising in time, with 64 bits.

    Attributes:
        timesteps: Timesteps ``(steps,)``.
        alphas: Share of the signal's variance at each of them.
        alphas_prev: The same at the next cleaner one; for the first it is that of timestep 0.
        sigmas: Standard deviation of the noise that the step adds.
    """

    timesteps: Tensor
    alphas: Tensor
    alphas_prev: Tensor
    sigmas: Tensor


def ddim_table(schedule: NoiseSchedule, timesteps: Tensor, eta: float = 0.0) -> DDIMTable:
    """Collect the noise levels of some timesteps.

    Args:
        schedule: The noise levels.
        timesteps: Timesteps, rising.
        eta: Randomness of the steps: 0 for none, 1 for as much as the trained process has.

    Source:
        Song et al., "Denoising Diffusion Implicit Models" (arXiv 2010.02502), equation 16.
    """
    left = schedule.alphas_cumprod.double().cpu()
    alphas = left[timesteps]
    before = torch.cat([left[:1], alphas[:-1]])
    sigmas = eta * ((1 - before) / (1 - alphas) * (1 - alphas / before)).sqrt()
    return DDIMTable(timesteps, alphas, before, sigmas)


class DDIM:
    """Implicit steps of any spacing, with or without noise.

    diffusers' scheduler takes all timesteps to lie equally far apart and cannot quantise what it
    predicts; where neither matters, the two agree.

    Args:
        table: Levels to visit.
        quantize: Maps predicted clean latents to the nearest codes, before the step is taken.

    Source:
        Song et al., "Denoising Diffusion Implicit Models" (arXiv 2010.02502), equation 12.
    """

    def __init__(
        self, table: DDIMTable, quantize: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        self.timesteps: tuple[int, ...] = tuple(table.timesteps.flip(0).tolist())
        self._levels = list(
            zip(
                table.alphas.flip(0).tolist(),
                table.alphas_prev.flip(0).tolist(),
                table.sigmas.flip(0).tolist(),
                strict=True,
            )
        )
        self._quantize = quantize

    def step(
        self, index: int, latents: Tensor, predict: PredictNoise, noise: Tensor | None = None
    ) -> StepResult:
        """Go from one level to the next, see `Sampler`."""
        return self.move(index, latents, predict(latents, self.timesteps[index]), noise)

    def move(
        self, index: int, latents: Tensor, predicted: Tensor, noise: Tensor | None = None
    ) -> StepResult:
        """Take the step with noise that is predicted already."""
        alpha, before, sigma = self._levels[index]
        clean = (latents - (1 - alpha) ** 0.5 * predicted) / alpha**0.5
        if self._quantize is not None:
            clean = self._quantize(clean)
        moved = before**0.5 * clean + (1 - before - sigma**2) ** 0.5 * predicted
        if noise is not None and sigma:
            moved = moved + sigma * noise
        return StepResult(moved, clean)


class PLMS(DDIM):
    """Implicit steps along noise extrapolated from that of the last four steps.

    The first step evaluates the network twice.

    Args:
        table: Levels to visit, without noise.
        quantize: Maps predicted clean latents to the nearest codes, before the step is taken.

    Source:
        Liu et al., "Pseudo Numerical Methods for Diffusion Models on Manifolds" (arXiv 2202.09778),
        equations 9 and 12.
    """

    # weights of the noise of this step, the one before, and so on (Adams-Bashforth)
    WEIGHTS = (
        (1.0,),
        (3 / 2, -1 / 2),
        (23 / 12, -16 / 12, 5 / 12),
        (55 / 24, -59 / 24, 37 / 24, -9 / 24),
    )

    def __init__(
        self, table: DDIMTable, quantize: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        super().__init__(table, quantize)
        self._history: list[Tensor] = []

    def step(
        self, index: int, latents: Tensor, predict: PredictNoise, noise: Tensor | None = None
    ) -> StepResult:
        """Go from one level to the next, see `Sampler`."""
        predicted = predict(latents, self.timesteps[index])
        self._history = [predicted, *self._history][: len(self.WEIGHTS)]
        if len(self._history) > 1:
            weights = self.WEIGHTS[len(self._history) - 1]
            pairs = zip(weights, self._history, strict=True)
            return self.move(
                index, latents, torch.stack([weight * each for weight, each in pairs]).sum(0)
            )
        ahead = self.move(index, latents, predicted).latents
        next_timestep = self.timesteps[min(index + 1, len(self.timesteps) - 1)]
        return self.move(index, latents, (predicted + predict(ahead, next_timestep)) / 2)


class DPMSolver:
    """DPM-Solver++ of second order, by diffusers.

    Args:
        schedule: The noise levels.
        timesteps: Timesteps to visit, rising.

    Source:
        Lu et al., "DPM-Solver++" (arXiv 2211.01095), algorithm 2.
    """

    def __init__(self, schedule: NoiseSchedule, timesteps: Tensor) -> None:
        from diffusers import DPMSolverMultistepScheduler

        self.timesteps: tuple[int, ...] = tuple(timesteps.flip(0).tolist())
        solver = DPMSolverMultistepScheduler(num_train_timesteps=len(schedule))
        # the library does not tell the types of its schedulers
        self._solver = cast("Any", solver)
        # diffusers computes its own levels with 32 bits
        self._solver.alphas_cumprod = schedule.alphas_cumprod.cpu()
        self._solver.set_timesteps(timesteps=list(self.timesteps))

    def step(
        self, index: int, latents: Tensor, predict: PredictNoise, noise: Tensor | None = None
    ) -> StepResult:
        """Go from one level to the next, see `Sampler`."""
        timestep = self.timesteps[index]
        if self._solver.step_index is None:
            self._solver.set_begin_index(index)
        (moved,) = self._solver.step(
            predict(latents, timestep), timestep, latents, return_dict=False
        )
        return StepResult(moved, self._solver.model_outputs[-1])


def build_sampler(
    name: SamplerName,
    schedule: NoiseSchedule,
    steps: int,
    *,
    spacing: Spacing | None = None,
    eta: float = 0.0,
    quantize: Callable[[Tensor], Tensor] | None = None,
) -> Sampler:
    """Make a sampler for one trajectory.

    Args:
        name: Which one.
        schedule: The noise levels.
        steps: Number of steps.
        spacing: How the timesteps are spread; None is ``reference`` for DDIM and PLMS and
            ``log_snr`` for DPM-Solver++.
        eta: Noise of the steps of DDIM, 0 to 1; the others have none.
        quantize: Maps predicted clean latents to the nearest codes; not with DPM-Solver++.

    Raises:
        ConfigError: A setting is unknown or does not belong to this sampler.
    """
    if name not in get_args(SamplerName):
        msg = f"sampler={name!r} must be one of {', '.join(get_args(SamplerName))}"
        raise ConfigError(msg)
    if not 0 <= eta <= 1:
        msg = f"eta={eta} must lie between 0 and 1"
        raise ConfigError(msg)
    if eta and name != "ddim":
        msg = f"eta={eta} belongs to sampler=ddim; {name} adds no noise"
        raise ConfigError(msg)
    if name == "dpm++":
        if quantize is not None:
            msg = "quantised predictions need sampler=ddim or plms"
            raise ConfigError(msg)
        return DPMSolver(schedule, spaced_timesteps(schedule, steps, spacing or "log_snr", 0))
    table = ddim_table(schedule, spaced_timesteps(schedule, steps, spacing or "reference"), eta)
    return DDIM(table, quantize) if name == "ddim" else PLMS(table, quantize)
