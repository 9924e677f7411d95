"""Styles drawn at random, by the encoder of noise that the second phase of training adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lightning_face.errors import WeightsError

if TYPE_CHECKING:
    from lightning_face_sis.networks.generator import CA2SISGenerator
    from lightning_face_sis.networks.noise_encoder import NoiseStyleEncoder

__all__ = ["sample_styles"]


@torch.no_grad()
def sample_styles(network: CA2SISGenerator, masks: Tensor, count: int, seed: int = 0) -> Tensor:
    """Draw style codes for the classes of a mask.

    Args:
        network: Generator with a noise encoder.
        masks: One-hot mask of one image ``(1, classes, height, width)``.
        count: How many styles to draw. A longer draw begins with a shorter one of the same seed.
        seed: Seed of the draw, the same numbers on every device.

    Returns:
        Codes ``(count, classes, width)``; 0 for classes that the mask lacks.

    Raises:
        WeightsError: If the generator has no noise encoder.
    """
    generator = torch.Generator().manual_seed(seed)
    width = _noise_encoder(network).noise_dim
    noise = torch.stack([torch.randn(width, generator=generator) for _ in range(count)])
    return network.encode_noise(noise.to(masks), masks)


def _noise_encoder(network: CA2SISGenerator) -> NoiseStyleEncoder:
    if network.noise_encoder is None:
        raise WeightsError(
            "the checkpoint has no noise encoder, so no style can be drawn: train one with "
            "ca2sis-noise, or take a published file that has noise_encoder tensors"
        )
    return network.noise_encoder
