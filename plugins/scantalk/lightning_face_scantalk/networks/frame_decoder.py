"""A DiffusionNet of features that are the sum of one part for vertices and one for frames."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_face_scantalk.networks.diffusion_net import DiffusionNet
from lightning_face_scantalk.networks.mesh_operators import MeshOperators

__all__ = ["FrameDecoder", "PreparedMesh"]


@dataclass(frozen=True)
class PreparedMesh:
    """What the decoder knows of a mesh before it sees a frame.

    Attributes:
        operators: Of the mesh.
        base: What the first layer makes of the features of vertices ``(vertices, width)``.
        spread: What diffusion and gradients of the first block make of that and of the constant
            1: ``(vertices, 2, width)`` and ``(2, vertices, 2, width)``.
    """

    operators: MeshOperators
    base: Tensor
    spread: tuple[Tensor, ...]


class FrameDecoder(DiffusionNet):
    """Map features of vertices and features of frames to an output for each vertex and frame.

    Equal to a `DiffusionNet` that sees both side by side. The first layer turns them into a sum,
    base of the vertex plus offset of the frame; in the first block, diffusion and gradients are
    linear, so those of the base and of the constant 1 serve all frames.

    Args:
        vertex_channels: Features of a vertex.
        frame_channels: Features of a frame.
        out_channels: Channels of the output.
        width: Channels in between.
        num_blocks: Number of blocks, at least 1.
    """

    def __init__(
        self,
        vertex_channels: int,
        frame_channels: int,
        out_channels: int,
        width: int,
        num_blocks: int,
    ) -> None:
        super().__init__(vertex_channels + frame_channels, out_channels, width, num_blocks)
        self.vertex_channels = vertex_channels

    def prepare(self, features: Tensor, operators: MeshOperators) -> PreparedMesh:
        """Do what does not depend on the frame.

        Args:
            features: Features of vertices ``(vertices, vertex_channels)``.
            operators: Of the mesh.

        Returns:
            What `decode` needs of the mesh.
        """
        weight = self.first_lin.weight[:, : self.vertex_channels]
        base = F.linear(features, weight, self.first_lin.bias)
        both = torch.stack([base, torch.ones_like(base)], dim=1)
        return PreparedMesh(operators, base, self.stack[0].spread(both, operators))

    def decode(self, mesh: PreparedMesh, latents: Tensor) -> Tensor:
        """Compute some frames.

        Args:
            mesh: Result of `prepare`.
            latents: Features of frames ``(frames, frame_channels)``.

        Returns:
            Output ``(vertices, frames, out_channels)``.
        """
        offsets = F.linear(latents, self.first_lin.weight[:, self.vertex_channels :])
        values = mesh.base[:, None] + offsets
        exact = offsets.to(mesh.operators.mass.dtype)
        spread = tuple(
            torch.addcmul(part[..., :1, :], part[..., 1:, :], exact) for part in mesh.spread
        )
        first, *others = self.stack
        values = first.mix(values, spread)
        for block in others:
            values = block(values, mesh.operators)
        output: Tensor = self.last_lin(values)
        return output
