"""Convolutions of several levels, one after another under the numbers that checkpoints have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from torch import nn

from lightning_face_emovoca.networks.spiral_conv import SpiralConv

__all__ = ["SpiralStack"]


class SpiralStack(nn.ModuleList):
    """Convolutions of several levels.

    Args:
        spiral_lengths: Length of the spirals of each level, in the order of the convolutions.
        widths: Widths of the convolutions of each level.
        in_channels: Features of each vertex before the first.
        activation: Activation of the convolutions.
        last_activation: Activation of the very last one.
    """

    def __init__(
        self,
        spiral_lengths: Sequence[int],
        widths: Sequence[Sequence[int]],
        in_channels: int,
        activation: str,
        last_activation: str,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self._counts = [len(wide) for wide in widths]
        for length, wide in zip(spiral_lengths, widths, strict=True):
            for width in wide:
                last = len(self) + 1 == sum(self._counts)
                chosen = last_activation if last else activation
                self.append(SpiralConv(in_channels, length, width, chosen))
                in_channels = width
        self.out_channels = in_channels

    def levels(self) -> Iterator[list[SpiralConv]]:
        """Yield the convolutions of each level."""
        convolutions = iter(self)
        for count in self._counts:
            yield [cast(SpiralConv, next(convolutions)) for _ in range(count)]
