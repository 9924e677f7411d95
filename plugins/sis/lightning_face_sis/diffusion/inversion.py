"""From clean latents back to the noise that makes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lightning_face.errors import ConfigError
from lightning_face_sis.diffusion.guidance import GuidedPredictor, Unconditional
from lightning_face_sis.diffusion.noise_schedule import NoiseSchedule
from lightning_face_sis.diffusion.samplers import ddim_table
from lightning_face_sis.diffusion.timesteps import Spacing, spaced_timesteps

if TYPE_CHECKING:
    from lightning_face_sis.networks.semantic_diffusion import SemanticDiffusion

__all__ = ["Inversion", "invert", "stochastic_encode"]


@dataclass(frozen=True)
class Inversion:
    """The way of clean latents to noise.

    Attributes:
        latents: Latents at every level ``(batch, channels, height, width)``: the clean ones first,
            then those after each step.
        timesteps: Timestep of every level but the first, rising.
    """

    latents: tuple[Tensor, ...]
    timesteps: tuple[int, ...]

    @property
    def noise(self) -> Tensor:
        """Latents of the last level, from which sampling leads back."""
        return self.latents[-1]


@torch.no_grad()
def invert(
    network: SemanticDiffusion,
    latents: Tensor,
    labels: Tensor,
    styles: Tensor,
    *,
    steps: int = 50,
    spacing: Spacing = "reference",
    up_to: int | None = None,
    guidance_scale: float = 1.0,
    unconditional: Unconditional = "null_style",
    on_step: Callable[[int, int], None] | None = None,
) -> Inversion:
    """Walk the steps of DDIM backwards, from clean latents to noise.

    Sampling with DDIM and the same steps leads back, up to the error of the steps.

    Args:
        network: The whole system.
        latents: Clean latents ``(batch, channels, height, width)``.
        labels: Label maps ``(batch, 1, height, width)`` of class numbers, or
            ``(batch, classes, height, width)``.
        styles: Style of every class ``(batch, classes, context_dim)``.
        steps: Number of steps of DDIM.
        spacing: How their timesteps are spread.
        up_to: Number of steps to take, from the cleanest; None takes all.
        guidance_scale: Guidance of the prediction; far from 1 the way back gets lost.
        unconditional: What guidance leads away from.
        on_step: Called with the number of steps done and of all steps.

    Raises:
        ConfigError: A setting does not fit.

    Source:
        Song et al., "Denoising Diffusion Implicit Models" (arXiv 2010.02502), section 4.3; the
        published code predicts the noise at the timestep that a step leads to.
    """
    table = ddim_table(network.schedule, spaced_timesteps(network.schedule, steps, spacing))
    total = len(table.timesteps) if up_to is None else up_to
    if not 1 <= total <= len(table.timesteps):
        msg = f"up_to={total} must lie between 1 and the {len(table.timesteps)} steps"
        raise ConfigError(msg)
    predict = GuidedPredictor(network, labels, styles, guidance_scale, unconditional)
    timesteps: list[int] = table.timesteps[:total].tolist()
    way = [latents]
    for index, timestep in enumerate(timesteps):
        predicted = predict(way[-1], timestep)
        alpha, before = float(table.alphas[index]), float(table.alphas_prev[index])
        change = (1 / alpha - 1) ** 0.5 - (1 / before - 1) ** 0.5
        way.append((alpha / before) ** 0.5 * way[-1] + alpha**0.5 * change * predicted)
        if on_step is not None:
            on_step(index + 1, total)
    return Inversion(tuple(way), tuple(timesteps))


def stochastic_encode(
    schedule: NoiseSchedule,
    latents: Tensor,
    noise: Tensor,
    indices: Tensor,
    *,
    steps: int = 50,
    spacing: Spacing = "reference",
) -> Tensor:
    """Bring clean latents to the level of a step of a sampler, with random noise.

    Args:
        schedule: The noise levels.
        latents: Clean latents ``(batch, channels, height, width)``.
        noise: Standard normal noise of the same shape.
        indices: Step of every image ``(batch,)``, 0 the cleanest.
        steps: Number of steps of the sampler.
        spacing: How its timesteps are spread.
    """
    timesteps = spaced_timesteps(schedule, steps, spacing).to(indices.device)
    return schedule.add_noise(latents, noise, timesteps[indices])
