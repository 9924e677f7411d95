"""Linear maps of all pixels of a picture, one by one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["PixelwiseConv2d", "PixelwiseLinear"]


class PixelwiseLinear(nn.Linear):
    """Linear map of tokens ``(batch, tokens, in_features)`` that are the pixels of a picture."""

    def forward(self, input: Tensor) -> Tensor:
        """Map tokens."""
        if not _by_convolution(input):
            return super().forward(input)
        picture = input.unsqueeze(2).permute(0, 3, 1, 2)
        return _convolve(picture, self.weight[:, :, None, None], self.bias).flatten(2).mT


class PixelwiseConv2d(nn.Conv2d):
    """Convolution 1x1 of features ``(batch, in_channels, height, width)``.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 1)

    def forward(self, input: Tensor) -> Tensor:
        """Map features."""
        if not _by_convolution(input):
            return super().forward(input)
        return _convolve(input, self.weight, self.bias)


def _by_convolution(pixels: Tensor) -> bool:
    """Tell whether a convolution of oneDNN is the fastest product.

    In single precision the library multiplies matrices by MKL and, on one thread, computes
    convolutions 1x1 so, too; on processors of AMD oneDNN is twice as fast.
    """
    return (
        pixels.device.type == "cpu"
        and pixels.dtype == torch.float32
        and torch.backends.mkldnn.is_available()
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
    )


def _convolve(picture: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    ones = [1, 1]
    mapped: Tensor = torch.mkldnn_convolution(picture, weight, bias, [0, 0], ones, ones, 1)
    return mapped
