"""From noise, label map and styles to latents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_face.errors import ConfigError
from lightning_face_sis.diffusion.guidance import GuidedPredictor, Unconditional
from lightning_face_sis.diffusion.inversion import Inversion, invert
from lightning_face_sis.diffusion.samplers import SamplerName, build_sampler
from lightning_face_sis.diffusion.seeds import SeededNoise
from lightning_face_sis.diffusion.timesteps import Spacing

if TYPE_CHECKING:
    from lightning_face_sis.networks.semantic_diffusion import SemanticDiffusion

__all__ = ["DenoisingStep", "denoise", "reconstruct", "sample"]


class DenoisingStep(NamedTuple):
    """Where sampling stands after a step.

    Attributes:
        done: Number of steps done.
        total: Number of all steps.
        timestep: Timestep at which the network was asked.
        latents: Latents after the step ``(batch, channels, height, width)``.
        clean: Clean latents as predicted at this step, of the same shape.
    """

    done: int
    total: int
    timestep: int
    latents: Tensor
    clean: Tensor


@torch.no_grad()
def denoise(
    network: SemanticDiffusion,
    labels: Tensor,
    styles: Tensor | None = None,
    *,
    noise: Tensor | None = None,
    seeds: Sequence[int] | None = None,
    sampler: SamplerName = "dpm++",
    steps: int = 20,
    spacing: Spacing | None = None,
    skip: int = 0,
    guidance_scale: float = 1.0,
    unconditional: Unconditional = "null_style",
    guidance_interval: tuple[int, int] | None = None,
    eta: float = 0.0,
    step_noise: Tensor | None = None,
    quantize: bool = False,
    keep_mask: Tensor | None = None,
    original: Tensor | Inversion | None = None,
) -> Iterator[DenoisingStep]:
    """Sample latents step by step; `sample` gives only the last ones.

    Args:
        network: The whole system.
        labels: Label maps ``(batch, 1, height, width)`` of class numbers, or
            ``(batch, classes, height, width)`` of numbers in 0..1.
        styles: Style of every class ``(batch, classes, context_dim)``; None is that of a blank
            picture, so that the noise decides.
        noise: Latents to start from; None draws them.
        seeds: Seed of every image, which decides its noise whatever batch it is in; None uses the
            global generator.
        sampler: ``dpm++`` needs about 20 steps; ``ddim`` with 200 is what the paper used.
        steps: Number of steps.
        spacing: How timesteps are spread, see `build_sampler`.
        skip: Number of first steps to leave out, for a start that is not all noise.
        guidance_scale: How far to lean towards the condition; 1 for no guidance, at half the cost.
        unconditional: What guidance leads away from.
        guidance_interval: Lowest and highest timestep with guidance; None for all.
        eta: Noise of the steps of DDIM, 0 to 1.
        step_noise: That noise, ``(steps, batch, channels, height, width)``; None draws it.
        quantize: Whether predicted clean latents are mapped to the nearest codes at every step.
        keep_mask: Pixels that stay as in ``original``, boolean ``(batch, 1, height, width)``; a
            latent pixel stays where all pixels that it covers do.
        original: Clean latents of the photograph, or its inversion with the same timesteps, which
            keeps the surroundings and the change of one piece.

    Yields:
        Every step.

    Raises:
        ConfigError: A setting does not fit.
    """
    if (keep_mask is None) != (original is None):
        msg = "keep_mask and original belong together: which pixels stay, and as what"
        raise ConfigError(msg)
    quantizer = network.quantize if quantize else None
    stepper = build_sampler(
        sampler, network.schedule, steps, spacing=spacing, eta=eta, quantize=quantizer
    )
    total = len(stepper.timesteps)
    if not 0 <= skip < total:
        msg = f"skip={skip} must be 0 or more and leave one of the {total} steps"
        raise ConfigError(msg)
    if styles is None:
        styles = network.null_styles(labels)
    shape = network.latent_shape(labels)
    streams = _Noise(seeds, len(labels), shape, labels.device)
    # drawn in any case: noise that was made of the same seeds must not come again
    drawn = streams.draw()
    latents = drawn if noise is None else noise
    keeper = None
    if keep_mask is not None and original is not None:
        keeper = _Keeper(network, keep_mask, original, drawn, stepper.timesteps)
        latents = keeper.keep(skip, latents)
    predict = GuidedPredictor(
        network, labels, styles, guidance_scale, unconditional, guidance_interval
    )
    for index in range(skip, total):
        added = None
        if eta:
            added = streams.draw() if step_noise is None else step_noise[index]
        latents, clean = stepper.step(index, latents, predict, added)
        if keeper is not None:
            latents, clean = keeper.keep(index + 1, latents), keeper.keep(total, clean)
        yield DenoisingStep(
            index - skip + 1, total - skip, stepper.timesteps[index], latents, clean
        )


@torch.no_grad()
def sample(
    network: SemanticDiffusion,
    labels: Tensor,
    styles: Tensor | None = None,
    *,
    noise: Tensor | None = None,
    seeds: Sequence[int] | None = None,
    sampler: SamplerName = "dpm++",
    steps: int = 20,
    spacing: Spacing | None = None,
    skip: int = 0,
    guidance_scale: float = 1.0,
    unconditional: Unconditional = "null_style",
    guidance_interval: tuple[int, int] | None = None,
    eta: float = 0.0,
    keep_mask: Tensor | None = None,
    original: Tensor | Inversion | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Sample latents; `SemanticDiffusion.decode` makes pictures of them.

    Args:
        network: The whole system.
        labels: Label maps, see `denoise`, as all that follows.
        styles: Style of every class.
        noise: Latents to start from.
        seeds: Seed of every image.
        sampler: Kind of sampler.
        steps: Number of steps.
        spacing: How timesteps are spread.
        skip: Number of first steps to leave out.
        guidance_scale: How far to lean towards the condition.
        unconditional: What guidance leads away from.
        guidance_interval: Lowest and highest timestep with guidance.
        eta: Noise of the steps of DDIM.
        keep_mask: Pixels that stay.
        original: What they stay as.
        on_step: Called with the number of steps done and of all steps.

    Returns:
        Latents ``(batch, channels, height, width)``.

    Raises:
        ConfigError: A setting does not fit.
    """
    way = denoise(
        network,
        labels,
        styles,
        noise=noise,
        seeds=seeds,
        sampler=sampler,
        steps=steps,
        spacing=spacing,
        skip=skip,
        guidance_scale=guidance_scale,
        unconditional=unconditional,
        guidance_interval=guidance_interval,
        eta=eta,
        keep_mask=keep_mask,
        original=original,
    )
    for step in way:
        if on_step is not None:
            on_step(step.done, step.total)
    return step.latents


@torch.no_grad()
def reconstruct(
    network: SemanticDiffusion,
    latents: Tensor,
    labels: Tensor,
    styles: Tensor,
    *,
    steps: int = 50,
    spacing: Spacing = "reference",
    up_to: int | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Lead clean latents to noise and back, to see what the network keeps of them.

    Args:
        network: The whole system.
        latents: Clean latents ``(batch, channels, height, width)``.
        labels: Label maps, see `denoise`.
        styles: Style of every class ``(batch, classes, context_dim)``.
        steps: Number of steps of DDIM in each direction.
        spacing: How their timesteps are spread.
        up_to: Number of steps to go, from the cleanest; None goes to the end.
        on_step: Called with the number of steps done and of all steps of both directions.

    Returns:
        Latents of the same shape.
    """

    def back(done: int, total: int) -> None:
        if on_step is not None:
            on_step(total + done, 2 * total)

    def forth(done: int, total: int) -> None:
        if on_step is not None:
            on_step(done, 2 * total)

    inversion = invert(
        network, latents, labels, styles, steps=steps, spacing=spacing, up_to=up_to, on_step=forth
    )
    every = build_sampler("ddim", network.schedule, steps, spacing=spacing).timesteps
    return sample(
        network,
        labels,
        styles,
        noise=inversion.noise,
        sampler="ddim",
        steps=steps,
        spacing=spacing,
        skip=len(every) - len(inversion.timesteps),
        on_step=back,
    )


class _Noise:
    """Standard normal noise, seeded or not."""

    def __init__(
        self,
        seeds: Sequence[int] | None,
        batch: int,
        shape: tuple[int, int, int],
        device: torch.device,
    ) -> None:
        if seeds is not None and len(seeds) != batch:
            msg = f"{len(seeds)} seeds do not fit {batch} images"
            raise ConfigError(msg)
        self._streams = None if seeds is None else SeededNoise(seeds)
        self._batch, self._shape, self._device = batch, shape, device

    def draw(self) -> Tensor:
        """Draw noise ``(batch, channels, height, width)``."""
        if self._streams is None:
            return torch.randn(self._batch, *self._shape, device=self._device)
        return self._streams.draw(self._shape, self._device)


class _Keeper:
    """Puts the pixels that stay back after every step, at the noise level of the next."""

    def __init__(
        self,
        network: SemanticDiffusion,
        keep_mask: Tensor,
        original: Tensor | Inversion,
        noise: Tensor,
        timesteps: tuple[int, ...],
    ) -> None:
        height, width = noise.shape[-2:]
        share = F.adaptive_avg_pool2d(keep_mask.to(noise), (height, width))
        self._mask = share >= 1
        self._schedule = network.schedule
        self._noise = noise
        self._timesteps = timesteps
        self._levels: tuple[Tensor, ...] | None = None
        if isinstance(original, Inversion):
            rising = tuple(reversed(timesteps))
            if rising[: len(original.timesteps)] != original.timesteps:
                msg = "the inversion was made with other timesteps: use ddim, its steps and spacing"
                raise ConfigError(msg)
            self._levels = original.latents
            self._clean = original.latents[0]
        else:
            self._clean = original

    def keep(self, index: int, latents: Tensor) -> Tensor:
        """Replace what stays in the latents that step ``index`` begins with."""
        return torch.where(self._mask, self._original(index, latents), latents)

    def _original(self, index: int, latents: Tensor) -> Tensor:
        remaining = len(self._timesteps) - index
        if remaining == 0:
            return self._clean
        if self._levels is not None:
            if remaining >= len(self._levels):
                msg = f"the inversion has only {len(self._levels) - 1} steps: skip the others"
                raise ConfigError(msg)
            return self._levels[remaining]
        times = torch.full((len(latents),), self._timesteps[index], device=latents.device)
        return self._schedule.add_noise(self._clean, self._noise, times)
