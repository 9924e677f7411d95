"""From displacements of a mesh to the features of its coarsest level."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

from lightning_face_emovoca.networks.level_widths import LevelWidths, level_widths
from lightning_face_emovoca.networks.spiral_stack import SpiralStack
from lightning_face_emovoca.networks.spiral_tables import SpiralTables

__all__ = ["SpiralEncoder"]


class SpiralEncoder(SpiralStack):
    """Convolve and pool, level by level.

    The last convolution of a level is evaluated at the vertices that pooling keeps alone, which
    is the same and a quarter of the work.

    Args:
        spiral_lengths: Length of the spirals of each level.
        widths: For every level but the coarsest, the width of its convolution, or those of its
            convolutions.
        activation: Activation of the convolutions.
        in_channels: Features of each vertex.

    Raises:
        ConfigError: The widths are for another number of levels.
    """

    def __init__(
        self,
        spiral_lengths: Sequence[int],
        widths: LevelWidths,
        activation: str = "elu",
        in_channels: int = 3,
    ) -> None:
        lengths = spiral_lengths[:-1]
        listed = level_widths(widths, len(lengths), "encoder_widths")
        super().__init__(lengths, listed, in_channels, activation, activation)

    def forward(self, x: Tensor, tables: SpiralTables) -> Tensor:
        """Encode.

        Args:
            x: Features of the mesh ``(batch, vertices, in_channels)``.
            tables: Spirals and samplings.

        Returns:
            Features of the coarsest level and its dummy
            ``(batch, coarse vertices + 1, out_channels)``.
        """
        if not tables.level0_shift:
            x = F.pad(x, (0, 0, 0, 1))
        for (*full, last), level in zip(self.levels(), tables.levels(), strict=True):
            for convolution in full:
                x = convolution(x, level.spirals)
            x = last.at_rows(x, level.kept_spirals)
            if level.kept is not None:
                x = x * level.kept
            x = F.pad(x, (0, 0, 0, 1))
        return x
