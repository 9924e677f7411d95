"""Convolution along the spirals around the vertices of a mesh."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_face.errors import ConfigError
from lightning_face_emovoca.networks.gather_sum import GatherTable, gather_sum

__all__ = ["ACTIVATIONS", "SpiralConv"]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "elu": F.elu,
    "relu": F.relu,
    "leaky_relu": partial(F.leaky_relu, negative_slope=0.02),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "identity": lambda x: x,
}


class SpiralConv(nn.Module):
    """One linear layer on the features along the spiral of each vertex.

    Args:
        in_channels: Features of each vertex.
        spiral_length: Vertices of each spiral.
        out_channels: Features of the output.
        activation: One of ``ACTIVATIONS``.

    Raises:
        ConfigError: The activation is not known.

    Source: Bouritsas et al., Neural 3D Morphable Models, ICCV 2019, section 3.
    """

    def __init__(
        self, in_channels: int, spiral_length: int, out_channels: int, activation: str = "elu"
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ConfigError(f"activation {activation!r} is not one of {', '.join(ACTIVATIONS)}")
        self.in_channels = in_channels
        self.spiral_length = spiral_length
        self.out_channels = out_channels
        self.activation = activation
        self.conv = nn.Linear(in_channels * spiral_length, out_channels)

    def forward(self, x: Tensor, spirals: Tensor) -> Tensor:
        """Convolve all vertices of a level.

        Args:
            x: Features ``(batch, rows, in_channels)``; the last row is the dummy's.
            spirals: Rows around each one ``(rows, spiral_length)``, the dummy by its own.

        Returns:
            Features ``(batch, rows, out_channels)``, of the dummy 0.
        """
        return F.pad(self.at_rows(x, spirals[:-1]), (0, 0, 0, 1))

    def at_rows(self, x: Tensor, spirals: Tensor) -> Tensor:
        """Convolve some vertices of a level.

        Args:
            x: Features ``(batch, rows, in_channels)``.
            spirals: Rows around each vertex ``(vertices, spiral_length)``.

        Returns:
            Features ``(batch, vertices, out_channels)``.
        """
        around = x.index_select(1, spirals.flatten()).view(len(x), len(spirals), -1)
        return ACTIVATIONS[self.activation](self.conv(around))

    def through_table(self, x: Tensor, table: GatherTable) -> Tensor:
        """Sample features up, if so, and convolve them, in one sum over places.

        The weights are applied first, once for every place along the spiral, to what are fewer
        vertices than the convolution has; then each vertex takes up its products.

        Args:
            x: Features ``(source rows, batch, in_channels)``.
            table: Sum over pairs of a source row and a place, ``row * spiral_length + place``.

        Returns:
            Features ``(table targets, batch, out_channels)``.
        """
        rows, batch, _ = x.shape
        length, width = self.spiral_length, self.out_channels
        weight = self.conv.weight.view(width, length, self.in_channels).transpose(0, 1)
        weight = weight.reshape(length * width, self.in_channels)
        products = F.linear(x.reshape(rows * batch, self.in_channels), weight)
        products = products.view(rows, batch, length, width).transpose(1, 2)
        out = gather_sum(products.reshape(rows * length, batch * width), table)
        out = out.view(-1, batch, width) + self.conv.bias
        return ACTIVATIONS[self.activation](out)
