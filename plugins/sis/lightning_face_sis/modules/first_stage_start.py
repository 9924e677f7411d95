"""Start values with which an autoencoder soon knows colours."""

from __future__ import annotations

from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from lightning_face.errors import ConfigError
from lightning_face_sis.networks.vq_first_stage import VQFirstStage

__all__ = ["FirstStageStart", "initialise_codes", "initialise_first_stage"]

FirstStageStart = Literal["reference", "average"]

# what the random weights beside the passed colours are multiplied by
_DAMPING = 0.1
# of contrasts, which the norm at the end of the decoder sets to 1
_CONTRAST = 0.5
_COLORS = 3


@torch.no_grad()
def initialise_first_stage(first_stage: VQFirstStage) -> None:
    """Let an autoencoder begin as one that averages small squares, and paints them flat.

    Red, green and blue pass through two channels each, one of which has the other sign: behind
    the activation x * sigmoid(x), their difference is x again. Residual blocks and attention begin
    near the identity.

    Args:
        first_stage: Network to change in place.

    Raises:
        ConfigError: It has no room for the colours.
    """
    from diffusers.models.attention_processor import Attention
    from diffusers.models.downsampling import Downsample2D
    from diffusers.models.resnet import ResnetBlock2D
    from diffusers.models.upsampling import Upsample2D

    autoencoder: Any = first_stage.autoencoder
    channels = autoencoder.encoder.conv_in.out_channels
    if channels < 2 * _COLORS or first_stage.latent_channels < _COLORS:
        msg = (
            f"start average needs {2 * _COLORS} channels and {_COLORS} latent_channels, not "
            f"{channels} and {first_stage.latent_channels}"
        )
        raise ConfigError(msg)
    for module in autoencoder.modules():
        if isinstance(module, ResnetBlock2D):
            _silence(module.conv2)
            if module.conv_shortcut is not None:
                _pass_pairs(module.conv_shortcut)
        elif isinstance(module, Attention):
            _silence(cast("nn.Linear", module.to_out[0]))
        elif isinstance(module, Downsample2D):
            _pass_pairs(module.conv, square=2)
        elif isinstance(module, Upsample2D):
            _pass_pairs(cast("nn.Conv2d", module.conv))
    for half, contrast in ((autoencoder.encoder, 1.0), (autoencoder.decoder, _CONTRAST)):
        _split_pairs(half.conv_in)
        _join_pairs(half.conv_out, contrast)
    for conv in (autoencoder.quant_conv, autoencoder.post_quant_conv):
        nn.init.dirac_(conv.weight)
        nn.init.zeros_(conv.bias)


@torch.no_grad()
def initialise_codes(first_stage: VQFirstStage, images: Tensor) -> None:
    """Make codes of latents that there are.

    Args:
        first_stage: Network whose codebook to change in place.
        images: Pictures ``(batch, 3, height, width)`` in -1..1.
    """
    latents = first_stage.encode(images).movedim(1, -1).flatten(0, -2)
    book = first_stage.codebook
    book.copy_(latents[torch.randint(len(latents), (len(book),), device=latents.device)])


def _silence(layer: nn.Conv2d | nn.Linear) -> None:
    """Let a layer whose output is added begin small, and leave the colours alone."""
    layer.weight.mul_(_DAMPING)
    layer.weight[: 2 * _COLORS] = 0
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def _pass_pairs(conv: nn.Conv2d, square: int = 1) -> None:
    """Pass the pairs on, averaged over the pixels of a square."""
    first = conv.kernel_size[0] // 2 if square == 1 else 0
    where = slice(first, first + square)
    conv.weight[: 2 * _COLORS] = 0
    for channel in range(2 * _COLORS):
        conv.weight[channel, channel, where, where] = 1 / square**2
    _clear_bias(conv)


def _split_pairs(conv: nn.Conv2d) -> None:
    """Make a pair of every colour."""
    middle = conv.kernel_size[0] // 2
    conv.weight[: 2 * _COLORS] = 0
    for color in range(_COLORS):
        conv.weight[2 * color, color, middle, middle] = 1
        conv.weight[2 * color + 1, color, middle, middle] = -1
    _clear_bias(conv)


def _join_pairs(conv: nn.Conv2d, contrast: float) -> None:
    """Make a colour of every pair."""
    middle = conv.kernel_size[0] // 2
    conv.weight.mul_(_DAMPING)
    conv.weight[:_COLORS, : 2 * _COLORS] = 0
    for color in range(_COLORS):
        conv.weight[color, 2 * color, middle, middle] = contrast
        conv.weight[color, 2 * color + 1, middle, middle] = -contrast
    _clear_bias(conv)


def _clear_bias(conv: nn.Conv2d) -> None:
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
