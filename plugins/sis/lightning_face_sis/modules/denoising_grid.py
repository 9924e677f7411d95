"""Noise levels and noise that a validation always asks a diffusion model about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from lightning_face.data.randomness import mixed_seed

__all__ = ["denoising_grid"]


def denoising_grid(
    files: Sequence[str], latents: Tensor, levels: int, num_timesteps: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Give noise levels, spread over all, and noise for some pictures.

    They depend on the name of a picture alone, so that two validations differ by the network.

    Args:
        files: File of every picture.
        latents: Its latents ``(batch, channels, height, width)``.
        levels: Noise levels of each picture.
        num_timesteps: Number of timesteps, of which each level takes its part.

    Yields:
        Timesteps ``(batch,)`` and standard normal noise of the shape of the latents.
    """
    for level in range(levels):
        streams = [
            torch.Generator().manual_seed(mixed_seed("denoising", Path(file).name, level))
            for file in files
        ]
        places = torch.stack([torch.rand((), generator=stream) for stream in streams])
        noise = torch.stack([torch.randn(latents.shape[1:], generator=each) for each in streams])
        timesteps = ((level + places) * num_timesteps / levels).long()
        yield timesteps.clamp(max=num_timesteps - 1).to(latents.device), noise.to(latents)
