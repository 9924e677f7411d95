"""Random weights to begin with, for networks narrower than the published ones."""

from __future__ import annotations

import torch

from lightning_face_mars.networks.person_search import PersonSearchNetwork

__all__ = ["INIT_STD", "scale_encoders"]

INIT_STD = 0.02
"""Standard deviation of the random matrices of both encoders, as published."""


@torch.no_grad()
def scale_encoders(network: PersonSearchNetwork, std: float) -> None:
    """Give the matrices of both encoders, fresh from their constructor, another deviation.

    Momentum copies are made equal again.

    Args:
        network: Network with random weights.
        std: Standard deviation.
    """
    for encoder in (network.visual_encoder, network.text_encoder):
        for parameter in encoder.parameters():
            if parameter.ndim == 2:
                parameter.mul_(std / INIT_STD)
    if not network.inference_only:
        network.copy_to_momentum()
