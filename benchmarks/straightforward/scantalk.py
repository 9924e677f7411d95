"""ScanTalk as it reads: features side by side, two gradients, all frames dense or one by one."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_face.mesh.operators import SurfaceOperators
from lightning_face_scantalk.networks.diffusion_block import DiffusionNetBlock
from lightning_face_scantalk.networks.diffusion_net import DiffusionNet
from lightning_face_scantalk.networks.scantalk import ScanTalk

__all__ = ["all_frames", "frame_by_frame"]


def all_frames(
    network: ScanTalk,
    waveform: Tensor,
    vertices: Tensor,
    operators: SurfaceOperators,
    num_frames: int,
) -> Tensor:
    """Animate ``(frames, vertices, 3)`` with all frames at once and dense gradients."""
    gradients = [matrix.to_dense() for matrix in sparse_gradients(operators)]
    latents = network.encode_speech(waveform, num_frames=num_frames)
    features = diffusion_net(network.encoder, vertices[None], operators, gradients)
    both = torch.cat(
        [
            features.expand(num_frames, -1, -1),
            latents[:, None].expand(-1, len(vertices), -1),
        ],
        dim=-1,
    )
    return vertices + diffusion_net(network.decoder, both, operators, gradients)


def frame_by_frame(
    network: ScanTalk,
    waveform: Tensor,
    vertices: Tensor,
    operators: SurfaceOperators,
    num_frames: int,
) -> Tensor:
    """Animate ``(frames, vertices, 3)`` with one frame after the other and sparse gradients."""
    gradients = sparse_gradients(operators)
    latents = network.encode_speech(waveform, num_frames=num_frames)
    features = diffusion_net(network.encoder, vertices[None], operators, gradients)
    frames = []
    for latent in latents:
        both = torch.cat([features, latent.expand(1, len(vertices), -1)], dim=-1)
        frames.append(vertices + diffusion_net(network.decoder, both, operators, gradients)[0])
    return torch.stack(frames)


def sparse_gradients(operators: SurfaceOperators) -> list[Tensor]:
    """Make both gradients matrices of coordinates, ``(vertices, vertices)`` each."""
    size = operators.num_vertices
    rows = torch.arange(size).repeat_interleave(operators.indptr.diff())
    places = torch.stack([rows, operators.indices])
    return [
        torch.sparse_coo_tensor(
            places, values, (size, size), check_invariants=False, is_coalesced=True
        )
        for values in (operators.gradient_x, operators.gradient_y)
    ]


def diffusion_net(
    network: DiffusionNet, signal: Tensor, operators: SurfaceOperators, gradients: list[Tensor]
) -> Tensor:
    """Map a signal ``(frames, vertices, channels)``."""
    values = network.first_lin(signal)
    for block in network.blocks:
        values = apply_block(block, values, operators, gradients)
    return network.last_lin(values)


def apply_block(
    block: DiffusionNetBlock,
    signal: Tensor,
    operators: SurfaceOperators,
    gradients: list[Tensor],
) -> Tensor:
    """Diffuse, derive twice, and put everything side by side for the perceptron."""
    basis = operators.eigenbasis
    coefficients = basis.t() @ (signal * operators.mass[:, None])
    times = block.diffusion.times.clamp(min=1e-8)
    decay = torch.exp(-operators.eigenvalues[:, None] * times)
    diffused = basis @ (decay * coefficients)
    along_x, along_y = (derive(matrix, diffused) for matrix in gradients)
    features = block.gradient_features
    turned_x = features.A_re(along_x) - features.A_im(along_y)
    turned_y = features.A_re(along_y) + features.A_im(along_x)
    products = torch.tanh(along_x * turned_x + along_y * turned_y)
    values = torch.cat([signal, diffused, products], dim=-1)
    for number, linear in enumerate(block.mlp):
        values = linear(F.relu(values) if number else values)
    return signal + values


def derive(matrix: Tensor, signal: Tensor) -> Tensor:
    """Multiply a signal ``(frames, vertices, channels)`` by a matrix, sparse for one frame."""
    if matrix.is_sparse:
        return torch.sparse.mm(matrix, signal[0])[None]
    return matrix @ signal
