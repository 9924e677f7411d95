"""DiffusionNet: a network for signals on surfaces of any topology."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, cast

from torch import Tensor, nn

from lightning_face.errors import ConfigError
from lightning_face_scantalk.networks.diffusion_block import DiffusionNetBlock
from lightning_face_scantalk.networks.learned_diffusion import DiffusionMethod
from lightning_face_scantalk.networks.mesh_operators import MeshOperators

__all__ = ["DiffusionNet", "OutputsAt"]

OutputsAt = Literal["vertices", "edges", "faces", "global_mean"]


class DiffusionNet(nn.Module):
    """A linear layer, blocks of diffusion, and a linear layer.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        width: Channels in between.
        num_blocks: Number of blocks.
        hidden: Widths of the hidden layers in a block; None is two of ``width``.
        dropout: Probability to drop a value inside a block.
        gradient_features: Whether blocks see gradients.
        gradient_rotations: Whether gradient features may turn gradients.
        diffusion: Method of diffusion.
        outputs_at: Where the output is wanted: at vertices, as mean over the ends of edges or the
            corners of faces, or as mean over the surface.
        activation: Function of the output, such as ``torch.nn.functional.log_softmax``.

    Raises:
        ConfigError: ``outputs_at`` is none of these.

    Source: Sharp et al., DiffusionNet, section 3.5 and figure 4.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        width: int = 128,
        num_blocks: int = 4,
        hidden: Sequence[int] | None = None,
        dropout: float = 0.0,
        gradient_features: bool = True,
        gradient_rotations: bool = True,
        diffusion: DiffusionMethod = "spectral",
        outputs_at: OutputsAt = "vertices",
        activation: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__()
        if outputs_at not in ("vertices", "edges", "faces", "global_mean"):
            msg = f"outputs_at is vertices, edges, faces or global_mean, not {outputs_at!r}"
            raise ConfigError(msg)
        self.outputs_at = outputs_at
        self.activation = activation
        self.first_lin = nn.Linear(in_channels, width)
        self.blocks = nn.ModuleList(
            DiffusionNetBlock(
                width, hidden, dropout, gradient_features, gradient_rotations, diffusion
            )
            for _ in range(num_blocks)
        )
        self.last_lin = nn.Linear(width, out_channels)

    @property
    def stack(self) -> list[DiffusionNetBlock]:
        """The blocks, in their order."""
        return cast("list[DiffusionNetBlock]", list(self.blocks))

    def forward(
        self, signal: Tensor, operators: MeshOperators, elements: Tensor | None = None
    ) -> Tensor:
        """Map a signal on a surface.

        Args:
            signal: Of shape ``(vertices, ..., in_channels)``; all its middle axes are of signals
                on the same surface.
            operators: Of the surface.
            elements: Edges ``(edges, 2)`` or faces ``(faces, 3)``, where the output is wanted
                there.

        Returns:
            Output ``(vertices, ..., out_channels)``, with the number of edges or faces in the
            place of the vertices, or without that axis for the mean over the surface.

        Raises:
            ConfigError: Edges or faces are needed and not given.
        """
        values = self.first_lin(signal)
        for block in self.stack:
            values = block(values, operators)
        values = self.last_lin(values)
        if self.outputs_at == "global_mean":
            mass = operators.mass.view(-1, *[1] * (values.ndim - 1))
            values = (values * mass).sum(0) / mass.sum()
        elif self.outputs_at != "vertices":
            if elements is None:
                msg = f"a network with outputs at {self.outputs_at} must be given these"
                raise ConfigError(msg)
            values = values[elements].mean(1)
        return values if self.activation is None else self.activation(values)
