"""Noise that depends on the seed of an image and not on the batch that the image is in."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lightning_face.errors import ConfigError

__all__ = ["SeededNoise", "seeded_noise"]


class SeededNoise:
    """One stream of noise for every image.

    Numbers are drawn on the CPU, so that they are the same on every device.

    Args:
        seeds: Seed of every image; equal seeds give equal noise.

    Raises:
        ConfigError: A seed is negative, or there is none.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        if not seeds or min(seeds) < 0:
            msg = f"seeds={list(seeds)} must be numbers of 0 or more, one an image"
            raise ConfigError(msg)
        self._generators = [torch.Generator().manual_seed(int(seed)) for seed in seeds]

    def draw(self, shape: Sequence[int], device: torch.device | str = "cpu") -> Tensor:
        """Draw the next standard normal noise ``(images, *shape)`` of every stream.

        Args:
            shape: Shape of the noise of one image.
            device: Where to put it.
        """
        drawn = [torch.randn(tuple(shape), generator=each) for each in self._generators]
        return torch.stack(drawn).to(device)


def seeded_noise(
    seeds: Sequence[int], shape: Sequence[int], device: torch.device | str = "cpu"
) -> Tensor:
    """Draw standard normal noise, one generator an image.

    Args:
        seeds: Seed of every image.
        shape: Shape of the noise of one image, such as ``(channels, height, width)``.
        device: Where to put it.

    Returns:
        Noise ``(images, *shape)``, float32.

    Raises:
        ConfigError: A seed is negative, or there is none.
    """
    return SeededNoise(seeds).draw(shape, device)
