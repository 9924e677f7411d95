"""EmoVOCA as it reads: dense sampling matrices, repeated index vectors, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_face.mesh import read_mesh
from lightning_face_emovoca.hierarchy.mesh_hierarchy import MeshHierarchy
from lightning_face_emovoca.networks.de_sd import DESD
from lightning_face_emovoca.networks.es2d import ES2D
from lightning_face_emovoca.networks.spiral_conv import ACTIVATIONS, SpiralConv
from lightning_face_emovoca.networks.spiral_decoder import SpiralDecoder
from lightning_face_emovoca.networks.spiral_encoder import SpiralEncoder

__all__ = [
    "DenseTables",
    "decode",
    "decode_by_gathers",
    "encode",
    "landmarks_of_frames",
    "mix",
    "mix_sequence",
    "vertices_of_landmarks",
]


class DenseTables:
    """Spirals, and sampling matrices of all levels with a row and column for the dummy.

    Args:
        hierarchy: The mesh hierarchy.
        level0_shift: Whether level 0 has no dummy, as in the published double-encoder network.
    """

    def __init__(self, hierarchy: MeshHierarchy, level0_shift: bool) -> None:
        self.level0_shift = level0_shift
        self.spirals = [torch.from_numpy(each).long() for each in hierarchy.spirals]
        self.down, self.up = [], []
        for step, (indices, weights) in enumerate(hierarchy.up):
            fine, coarse = hierarchy.level_sizes[step : step + 2]
            down, up = torch.zeros(coarse + 1, fine + 1), torch.zeros(fine + 1, coarse + 1)
            down[torch.arange(coarse), torch.from_numpy(hierarchy.down[step])] = 1
            up[:-1].scatter_add_(1, torch.from_numpy(indices), torch.from_numpy(weights).float())
            down[-1, -1] = up[-1, -1] = 1
            self.down.append(down)
            self.up.append(up)
        if level0_shift:
            self.spirals[0] = self.spirals[0][:-1]
            self.down[0], self.up[0] = self.down[0][:, 1:], self.up[0][1:]


def mix_sequence(
    network: DESD,
    tables: DenseTables,
    talking: np.ndarray,
    template: np.ndarray,
    expression: np.ndarray,
    intensity: float,
) -> np.ndarray:
    """Put an expression on a sequence ``(frames, vertices, 3)``, in float64."""
    added = torch.from_numpy(expression).float()[None]
    frames = []
    for frame in talking:
        moved = torch.from_numpy(frame - template).float()[None]
        frames.append(template + mix(network, tables, moved, added, intensity)[0].double().numpy())
    return np.stack(frames)


def mix(
    network: DESD, tables: DenseTables, talking: Tensor, expression: Tensor, intensity: float
) -> Tensor:
    """Mix one frame; both reconstructions, which the published code makes besides, too."""
    spoken = encode(network.conv_talk, tables, talking * network.scale)
    shown = encode(network.conv_emo, tables, expression * network.scale)
    first, second = network.fc_latent_enc_talk(spoken), network.fc_latent_enc_emo(shown)
    pairs = [(first, first), (second, second), (2 * first, intensity * second)]
    decoded = [
        decode(network.dconv, tables, network.fc_latent_dec(torch.cat(pair, dim=1)))
        for pair in pairs
    ]
    return decoded[-1] / network.scale


def encode(encoder: SpiralEncoder, tables: DenseTables, x: Tensor) -> Tensor:
    """Encode displacements ``(batch, vertices, 3)`` into ``(batch, coarse rows * width)``."""
    if not tables.level0_shift:
        x = F.pad(x, (0, 0, 0, 1))
    for level, convolutions in enumerate(encoder.levels()):
        for convolution in convolutions:
            x = convolve(convolution, tables.spirals[level], x)
        x = tables.down[level] @ x
    return x.flatten(1)


def decode(decoder: SpiralDecoder, tables: DenseTables, x: Tensor) -> Tensor:
    """Decode ``(batch, coarse rows * width)`` into displacements ``(batch, vertices, 3)``."""
    x = x.view(len(x), -1, decoder.in_channels)
    for level, convolutions in zip(reversed(range(len(tables.up))), decoder.levels(), strict=True):
        x = tables.up[level] @ x
        for convolution in convolutions:
            x = convolve(convolution, tables.spirals[level], x)
    return x if tables.level0_shift else x[:, :-1]


def decode_by_gathers(
    decoder: SpiralDecoder,
    spirals: Sequence[Tensor],
    up: Sequence[tuple[Tensor, Tensor]],
    x: Tensor,
) -> Tensor:
    """Decode with an index for each neighbour and three for each vertex, no matrices."""
    x = x.view(len(x), -1, decoder.in_channels)
    for level, convolutions in zip(reversed(range(len(up))), decoder.levels(), strict=True):
        rows, weights = up[level]
        terms = x.index_select(1, rows.flatten()).view(len(x), len(rows), 3, -1)
        x = (terms * weights[..., None]).sum(dim=2)
        for convolution in convolutions:
            x = convolution(x, spirals[level])
    return x


def convolve(convolution: SpiralConv, spirals: Tensor, x: Tensor) -> Tensor:
    """Gather the neighbours by two vectors of indices, and apply the layer to them."""
    batch, rows, _ = x.shape
    length = spirals.shape[1]
    meshes = torch.arange(batch)[:, None].repeat(1, rows * length).flatten()
    places = spirals[None].repeat(batch, 1, 1).flatten()
    around = x[meshes, places].view(batch * rows, -1)
    out = ACTIVATIONS[convolution.activation](convolution.conv(around)).view(batch, rows, -1)
    zero = torch.ones(1, rows, 1)
    zero[:, -1] = 0
    return out * zero


def vertices_of_landmarks(
    network: ES2D, tables: DenseTables, landmarks: Tensor, template: Tensor
) -> Tensor:
    """Turn displacements of landmarks ``(frames, landmarks, 3)`` into heads, one by one."""
    heads = []
    for each in landmarks:
        features = network.fc_latent_dec(each.flatten()[None] * network.landmark_scale)
        displacement = decode(network.dconv, tables, features) / network.scale
        heads.append(template + displacement[0])
    return torch.stack(heads)


def landmarks_of_frames(
    vertices: np.ndarray, template: Path, triangles: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Find the normalised landmarks of each frame, reading the faces each time."""
    found = []
    for frame in vertices:
        faces = read_mesh(template).faces
        corners = frame[faces[triangles]]
        landmarks = (corners * weights[..., None]).sum(axis=1)
        landmarks = landmarks - landmarks.mean(axis=0)
        found.append(landmarks / np.linalg.norm(landmarks))
    return np.stack(found)
