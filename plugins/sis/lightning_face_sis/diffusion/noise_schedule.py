"""How much noise latents carry at every timestep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn

from lightning_face.errors import ConfigError

__all__ = ["NoiseSchedule", "Parameterization"]

Parameterization = Literal["eps", "x0"]
"""What a network predicts: the noise, or the clean latents."""


class NoiseSchedule(nn.Module):
    """Noise levels whose square roots grow linearly, as buffers in the published names.

    They are computed with 64 bits and kept with 32, so they equal those of published checkpoints
    to the last bit.

    Args:
        num_timesteps: Number of noise levels.
        linear_start: Variance that the first step adds.
        linear_end: Variance that the last step adds.

    Attributes:
        betas: Variance that each step adds ``(num_timesteps,)``; so are the other buffers.
        alphas_cumprod: Share of the clean signal's variance that is left.
        alphas_cumprod_prev: The same one step earlier.

    Raises:
        ConfigError: A setting makes no schedule.

    Source:
        Ho et al., "Denoising Diffusion Probabilistic Models" (arXiv 2006.11239), section 2; the
        levels of Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models"
        (arXiv 2112.10752).
    """

    betas: Tensor
    alphas_cumprod: Tensor
    alphas_cumprod_prev: Tensor
    sqrt_alphas_cumprod: Tensor
    sqrt_one_minus_alphas_cumprod: Tensor
    log_one_minus_alphas_cumprod: Tensor
    sqrt_recip_alphas_cumprod: Tensor
    sqrt_recipm1_alphas_cumprod: Tensor
    posterior_variance: Tensor
    posterior_log_variance_clipped: Tensor
    posterior_mean_coef1: Tensor
    posterior_mean_coef2: Tensor

    def __init__(
        self,
        num_timesteps: int = 1000,
        linear_start: float = 0.0015,
        linear_end: float = 0.0195,
    ) -> None:
        super().__init__()
        if num_timesteps < 2:
            msg = f"num_timesteps={num_timesteps} must be 2 or more"
            raise ConfigError(msg)
        if not 0 < linear_start <= linear_end < 1:
            msg = f"0 < linear_start={linear_start} <= linear_end={linear_end} < 1 does not hold"
            raise ConfigError(msg)
        # given settings may be whole numbers or text of a file in other precisions
        ends = (float(linear_start) ** 0.5, float(linear_end) ** 0.5)
        # in a process in which transformers has replaced functions of torch for a while, not all
        # of them follow the device of a context
        exact: dict[str, Any] = {"dtype": torch.float64, "device": "cpu"}
        betas = torch.linspace(*ends, num_timesteps, **exact) ** 2
        alphas = 1 - betas
        left = alphas.cumprod(0)
        before = torch.cat([torch.ones(1, **exact), left[:-1]])
        posterior = betas * (1 - before) / (1 - left)
        buffers = {
            "betas": betas,
            "alphas_cumprod": left,
            "alphas_cumprod_prev": before,
            "sqrt_alphas_cumprod": left.sqrt(),
            "sqrt_one_minus_alphas_cumprod": (1 - left).sqrt(),
            "log_one_minus_alphas_cumprod": (1 - left).log(),
            "sqrt_recip_alphas_cumprod": (1 / left).sqrt(),
            "sqrt_recipm1_alphas_cumprod": (1 / left - 1).sqrt(),
            "posterior_variance": posterior,
            # the first step has no posterior variance, whose logarithm would be infinite
            "posterior_log_variance_clipped": posterior.clamp_min(1e-20).log(),
            "posterior_mean_coef1": betas * before.sqrt() / (1 - left),
            "posterior_mean_coef2": (1 - before) * alphas.sqrt() / (1 - left),
        }
        for name, values in buffers.items():
            self.register_buffer(name, values.float().to(torch.get_default_device()))

    def __len__(self) -> int:
        """Return the number of timesteps."""
        return len(self.betas)

    def add_noise(self, clean: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """Bring clean latents to the noise level of a timestep.

        Args:
            clean: Latents ``(batch, channels, height, width)``.
            noise: Standard normal noise of the same shape.
            timesteps: Timestep of every image ``(batch,)``.

        Source:
            Ho et al., equation 4.
        """
        signal, spread = self._levels(timesteps, clean)
        return signal * clean + spread * noise

    def predict_clean(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """Remove predicted noise from latents.

        Args:
            latents: Latents ``(batch, channels, height, width)`` at ``timesteps``.
            noise: The noise in them.
            timesteps: Timestep of every image ``(batch,)``.
        """
        signal, spread = self._levels(timesteps, latents)
        return (latents - spread * noise) / signal

    def noise_of(self, latents: Tensor, clean: Tensor, timesteps: Tensor) -> Tensor:
        """Tell the noise in latents whose clean version is known, the inverse of `add_noise`.

        Args:
            latents: Latents ``(batch, channels, height, width)`` at ``timesteps``.
            clean: The same without noise.
            timesteps: Timestep of every image ``(batch,)``.
        """
        signal, spread = self._levels(timesteps, latents)
        return (latents - signal * clean) / spread

    def lvlb_weights(self, parameterization: Parameterization = "eps") -> Tensor:
        """Return the weight of every timestep in the variational bound ``(num_timesteps,)``.

        Args:
            parameterization: What the network predicts.

        Source:
            Ho et al., equation 12; for ``x0`` the formula of the published code.
        """
        left = self.alphas_cumprod
        if parameterization == "x0":
            weights = 0.5 * left.sqrt() / (2 - left)
        else:
            alphas = 1 - self.betas
            weights = self.betas.square() / (2 * self.posterior_variance * alphas * (1 - left))
        weights = weights.clone()
        # the first step divides by its posterior variance, which is zero
        weights[0] = weights[1]
        return weights

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> NoiseSchedule:
        """Move the levels to another device, but never to a lower precision."""
        exact = dict(self.named_buffers())
        super()._apply(fn, recurse)
        for name, moved in list(self.named_buffers()):
            if moved.dtype != exact[name].dtype:
                setattr(self, name, exact[name].to(moved.device))
        return self

    def _levels(self, timesteps: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """Shares of signal and noise ``(batch, 1, 1, 1)``."""
        shape = (-1, *[1] * (like.ndim - 1))
        return (
            self.sqrt_alphas_cumprod[timesteps].view(shape),
            self.sqrt_one_minus_alphas_cumprod[timesteps].view(shape),
        )
