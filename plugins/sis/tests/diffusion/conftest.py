from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from lightning_face_sis.diffusion.noise_schedule import NoiseSchedule


class Mixture:
    """Latents of which everything is known: 16 Gaussian modes of standard deviation 0.25."""

    shape = (3, 4, 4)
    spread = 0.25

    def __init__(self, schedule: NoiseSchedule) -> None:
        draw = torch.Generator().manual_seed(0)
        self.left = schedule.alphas_cumprod.double()
        self.modes = torch.randn(16, 48, generator=draw, dtype=torch.float64)
        self.start = torch.randn(32, *self.shape, generator=draw)

    def noise_in(self, latents: Tensor, left: Tensor) -> Tensor:
        """Noise in latents where a share of the signal's variance is left."""
        flat = latents.double().flatten(1)
        variance = left * self.spread**2 + (1 - left)
        away = flat[:, None] - left.sqrt() * self.modes
        weights = torch.softmax(-away.square().sum(2) / (2 * variance), 1)
        score = -(weights[:, :, None] * away).sum(1) / variance
        return (-(1 - left).sqrt() * score).view_as(latents).to(latents.dtype)

    def predict(self, latents: Tensor, timestep: int) -> Tensor:
        """Noise at a timestep, as a network would predict it."""
        return self.noise_in(latents, self.left[timestep])

    def exact(self, latents: Tensor, timestep: int) -> Tensor:
        """Where the flow without noise leads from a timestep, by very many small steps."""
        first = float((self.left[timestep] / (1 - self.left[timestep])).log())
        levels = torch.linspace(first, 14, 4000, dtype=torch.float64).sigmoid()
        latents = latents.double()
        for now, following in pairwise(levels):
            noise = self.noise_in(latents, now)
            clean = (latents - (1 - now).sqrt() * noise) / now.sqrt()
            latents = following.sqrt() * clean + (1 - following).sqrt() * noise
        return latents


class Exact:
    """A system whose network knows the noise of a mixture; it looks at no condition."""

    def __init__(self, mixture, schedule):
        self.mixture, self.schedule = mixture, schedule

    def prepare(self, styles, labels):
        return None

    def predict_noise(self, latents, timesteps, conditioning):
        return self.mixture.predict(latents, int(timesteps[0]))

    def latent_shape(self, labels):
        return self.mixture.shape


@pytest.fixture(scope="session")
def schedule():
    return NoiseSchedule()


@pytest.fixture(scope="session")
def mixture(schedule):
    return Mixture(schedule)


@pytest.fixture(scope="session")
def exact(mixture, schedule):
    return Exact(mixture, schedule)


@pytest.fixture(scope="session")
def exact_samples(mixture):
    return mixture.exact(mixture.start, 999)


@pytest.fixture(scope="session")
def stripes():
    """Label maps of vertical stripes, other ones in each picture."""
    columns = torch.arange(64) // 8
    rows = [(columns + image) % 5 for image in range(3)]
    return torch.stack(rows).view(3, 1, 1, 64).expand(3, 1, 64, 64).contiguous().to(torch.uint8)


@pytest.fixture(scope="session")
def styles(small_diffusion):
    draw = torch.Generator().manual_seed(3)
    return 2 * torch.rand(3, small_diffusion.num_classes, 20, generator=draw) - 1
