"""From the features of the coarsest level of a mesh to displacements of all its vertices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_face_emovoca.networks.level_widths import LevelWidths, level_widths
from lightning_face_emovoca.networks.spiral_stack import SpiralStack
from lightning_face_emovoca.networks.spiral_tables import SpiralTables

__all__ = ["SpiralDecoder"]

# vertices that are decoded at once, without and with gradients: more of them leave a CPU's cache
_CPU_BLOCK, _CPU_TRAINING_BLOCK = 8_000, 32_000
_DEVICE_BLOCK = 1_000_000


class SpiralDecoder(SpiralStack):
    """Sample up and convolve, level by level.

    Args:
        spiral_lengths: Length of the spirals of each level.
        widths: Features of each vertex of the coarsest level, then for every other level, from
            coarse to fine, the width of its convolution, or those of its convolutions.
        activation: Activation of all convolutions but the very last, which is linear.

    Raises:
        ConfigError: The widths are for another number of levels.
    """

    def __init__(
        self,
        spiral_lengths: Sequence[int],
        widths: LevelWidths,
        activation: str = "elu",
    ) -> None:
        (*_, coarse), *listed = level_widths(widths, len(spiral_lengths), "decoder_widths")
        super().__init__(spiral_lengths[-2::-1], listed, coarse, activation, "identity")

    def forward(self, x: Tensor, tables: SpiralTables) -> Tensor:
        """Decode.

        Args:
            x: Features of the coarsest level and its dummy
                ``(batch, (coarse vertices + 1) * in_channels)``.
            tables: Spirals and samplings.

        Returns:
            Features of the mesh ``(batch, vertices, out_channels)``; under the shift of level 0,
            those of the last vertex are 0.
        """
        vertices = _DEVICE_BLOCK
        if x.device.type == "cpu":
            vertices = _CPU_TRAINING_BLOCK if torch.is_grad_enabled() else _CPU_BLOCK
        meshes = max(vertices // tables.level_sizes[0], 1)
        return torch.cat([self._decode(part, tables) for part in x.split(meshes)])

    def stages(self, x: Tensor, tables: SpiralTables) -> Iterator[Tensor]:
        """Yield the features of each level, from coarse to fine.

        Args:
            x: The same as of `forward`.
            tables: The same as of `forward`.

        Returns:
            Features ``(level vertices, batch, channels)``; without those of the dummy, and under
            the shift of level 0 of its last vertex, which are 0.
        """
        # vertices first: a vertex's features of the whole batch are taken up together
        x = x.view(len(x), -1, self.in_channels).transpose(0, 1)
        levels = reversed(tables.levels())
        for (first, *others), level in zip(self.levels(), levels, strict=True):
            x = first.through_table(x, level.upsampled)
            for convolution in others:
                x = convolution.through_table(x, level.same_level)
            yield x

    def _decode(self, x: Tensor, tables: SpiralTables) -> Tensor:
        *_, out = self.stages(x, tables)
        out = out.transpose(0, 1)
        return F.pad(out, (0, 0, 0, 1)) if tables.level0_shift else out
