"""How a picture comes out of the noise, step by step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lightning_face_sis.diffusion.sampling import DenoisingStep
from lightning_face_sis.to_image import to_picture

if TYPE_CHECKING:
    from lightning_face_sis.networks.semantic_diffusion import SemanticDiffusion

__all__ = ["denoising_strips"]

_GAP = 4


@torch.no_grad()
def denoising_strips(
    network: SemanticDiffusion, steps: Iterable[DenoisingStep], frames: int = 8
) -> tuple[Tensor, list[Image.Image]]:
    """Walk the steps of a sampler and draw what it takes the pictures for on the way.

    Args:
        network: The model whose latents they are.
        steps: What `lightning_face_sis.diffusion.sampling.denoise` gives.
        frames: Pictures in a strip at most, spread evenly over the steps.

    Returns:
        The latents at the end ``(batch, channels, height, width)``, and for each image the clean
        pictures as predicted at the steps, from left to right; the last is the result.
    """
    shown: list[Tensor] = []
    for step in steps:
        places = np.linspace(1, step.total, min(frames, step.total)).round()
        if step.done == step.total:
            shown.append(step.latents)
        elif step.done in places:
            shown.append(step.clean)
    pictures = [network.decode(latents) for latents in shown]
    return shown[-1], [_strip(each) for each in zip(*pictures, strict=True)]


def _strip(images: Iterable[Tensor]) -> Image.Image:
    """Put pictures ``(3, height, width)`` side by side."""
    pictures = [to_picture(image, "nearest") for image in images]
    width, height = pictures[0].size
    strip = Image.new("RGB", (len(pictures) * (width + _GAP) - _GAP, height), "white")
    for place, picture in enumerate(pictures):
        strip.paste(picture, (place * (width + _GAP), 0))
    return strip
