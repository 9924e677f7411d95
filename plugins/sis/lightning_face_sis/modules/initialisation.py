"""Start values of the discriminator and of both encoders of styles."""

from __future__ import annotations

from typing import Literal, cast

import torch
from torch import Tensor, nn

from lightning_face.errors import ConfigError
from lightning_face_sis.networks.noise_encoder import NoiseStyleEncoder
from lightning_face_sis.networks.style_encoder import GroupedLayer, GroupedStyleEncoder

__all__ = [
    "NoiseStart",
    "StyleStart",
    "initialise_discriminator",
    "initialise_noise_encoder",
    "initialise_style_encoder",
]

NoiseStart = Literal["reference", "kaiming"]
StyleStart = Literal["reference", "colors"]

# in standard deviations of what a norm gives: rectifiers then cut nearly nothing off
_SHIFT = 3.0
_DEEP_SHARE = 0.1
_CODE_GAIN = 4.0
_CLASS_SPREAD = 0.15


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


@torch.no_grad()
def initialise_style_encoder(encoder: GroupedStyleEncoder) -> None:
    """Let a style encoder begin as one that passes colours on, the same for all classes.

    Every convolution begins as an orthogonal map of single pixels. Norms are shifted so far that
    rectifiers let nearly everything through, and the biases behind them take the shift away again.
    Features of a deeper level begin small beside the skip connection that they meet. All classes
    begin with the same weights, so that what attention learns to read in the codes of one class it
    can read in those of all; biases of the codes tell the classes apart.

    Random filters, by contrast, lose most of the colour of a class, and training has to find it
    again for each class on its own.

    Args:
        encoder: Network to change in place.

    Raises:
        ConfigError: If its skip connections cut across classes.

    Source:
        Xiao et al., "Dynamical Isometry and a Mean Field Theory of CNNs", section 3 (orthogonal
        maps of single pixels); the rest is this project's.
    """
    if encoder.skip_layout != "per_class":
        msg = "style_start colors needs skip_layout per_class: others mix the classes"
        raise ConfigError(msg)
    classes = encoder.num_classes
    layers = [encoder.stem, *encoder.down_layers, *encoder.up_layers]
    for layer in cast("list[GroupedLayer]", layers):
        nn.init.constant_(layer.norm.bias, _SHIFT)
        outputs, inputs = layer.conv.out_channels // classes, layer.conv.weight.shape[1]
        joined = layer in list(encoder.up_layers)[1:]
        maps = torch.zeros(outputs, inputs, 3, 3)
        maps[:, -inputs // (1 + joined) :, 1, 1] = nn.init.orthogonal_(
            torch.empty(outputs, inputs // (1 + joined))
        )
        if joined:
            deep = torch.randn(outputs, inputs // 2) / outputs**0.5
            maps[:, : inputs // 2, 1, 1] = _DEEP_SHARE * deep
        _repeat(layer.conv, maps, 0.0 if layer is encoder.stem else _SHIFT)
    for code_layer in cast("list[nn.Conv1d]", list(encoder.code_layers)):
        _repeat(code_layer, _CODE_GAIN * code_layer.weight[: encoder.style_dim], _SHIFT)
        cast("Tensor", code_layer.bias).add_(_CLASS_SPREAD * torch.randn(len(code_layer.weight)))


def initialise_noise_encoder(encoder: NoiseStyleEncoder) -> None:
    """Let styles depend on the noise from the beginning.

    With the start values that PyTorch gives linear maps, each layer makes the noise smaller, and
    behind eight of them nothing is left of it.

    Args:
        encoder: Network to change in place.

    Source:
        He et al., "Delving Deep into Rectifiers", equation 10.
    """
    for module in encoder.modules():
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)


def _repeat(conv: nn.Conv1d | nn.Conv2d, weight: Tensor, shift: float) -> None:
    """Give all groups of a convolution one weight, and a bias that takes a shift away."""
    conv.weight.copy_(weight.repeat(len(conv.weight) // len(weight), *[1] * (weight.dim() - 1)))
    nn.init.zeros_(cast("Tensor", conv.bias)).sub_(shift * conv.weight.flatten(1).sum(dim=1))
