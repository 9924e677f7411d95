"""Tokens to pictures."""

from __future__ import annotations

from torch import nn

from lightning_face_mambast.ss2d import Initialisation

__all__ = ["CNNDecoder"]


class CNNDecoder(nn.Sequential):
    """Convolutions that turn a map of tokens into a picture eight times larger.

    Takes ``(batch, d_model, height, width)`` and gives ``(batch, 3, 8 height, 8 width)``, RGB
    around [0, 1] and not clamped. The layers are numbered as in the published checkpoint.

    Args:
        d_model: Channels of a token, a multiple of 8; the hidden layers have 1/2, 1/4 and 1/8
            of them.
        init: ``reference`` leaves the filters at torch's start values, as the published training
            does, where the signal loses more than half its size in every layer; ``s4d`` starts
            all but the last layer Kaiming-normal without bias, which keeps its size.

    Raises:
        ValueError: ``d_model`` is not a multiple of 8.
    """

    def __init__(self, d_model: int = 512, init: Initialisation = "reference") -> None:
        if d_model % 8:
            msg = f"the decoder halves {d_model} channels three times: use a multiple of 8"
            raise ValueError(msg)
        half, quarter, eighth = d_model // 2, d_model // 4, d_model // 8
        super().__init__(
            *_convolution(d_model, half),
            nn.Upsample(scale_factor=2),
            *_convolution(half, half),
            *_convolution(half, half),
            *_convolution(half, half),
            *_convolution(half, quarter),
            nn.Upsample(scale_factor=2),
            *_convolution(quarter, quarter),
            *_convolution(quarter, eighth),
            nn.Upsample(scale_factor=2),
            *_convolution(eighth, eighth),
            *_convolution(eighth, 3)[:-1],
        )
        if init == "s4d":
            for layer in list(self)[:-1]:
                if isinstance(layer, nn.Conv2d):
                    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]


def _convolution(in_channels: int, out_channels: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    return (
        nn.ReflectionPad2d(1),
        nn.Conv2d(in_channels, out_channels, 3),
        # in place: the next layer reads only the rectified map, so one copy is enough
        nn.ReLU(inplace=True),
    )
