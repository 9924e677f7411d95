"""Start values of the discriminator."""

from __future__ import annotations

from torch import nn

__all__ = ["initialise_discriminator"]


def initialise_discriminator(discriminator: nn.Module, gain: float = 0.02) -> None:
    """Give convolutions normally distributed weights by Glorot's rule, and biases of 0.

    Convolutions under spectral norm keep the values they were made with, as they did on the
    graphics card that the published networks were trained on: there, the weights that the published
    code draws for them end up in a copy that is never read.

    Args:
        discriminator: Network to change in place.
        gain: Factor on the standard deviation.

    Source:
        Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
        networks", equation 12, with the gain of the published code.
    """
    for module in discriminator.modules():
        if isinstance(module, nn.Conv2d):
            if not hasattr(module, "weight_orig"):
                nn.init.xavier_normal_(module.weight, gain)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
