"""Speed and memory of ScanTalk beside its straightforward formulations, in one run.

Every figure is measured in a process of its own, on the same heads and weights for both
formulations, and their outputs are compared. Heads are generated, weights random, at published
sizes: HuBERT base, 128 eigenpairs.

    python benchmarks/scantalk.py                  about five minutes
    python benchmarks/scantalk.py operators-5k dense-5k
    python benchmarks/scantalk.py --full           also heads of 55k vertices
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import straightforward.scantalk
import straightforward.surface_operators
import torch
from scipy import sparse
from side_by_side import Task, main, measured
from torch import Tensor, nn

from lightning_face.audio import SpeechEncoder
from lightning_face.mesh import Mesh, OperatorSettings, surface_operators
from lightning_face.mesh.operators import operator_arrays
from lightning_face.sample_heads.shape import draw_identity, neutral
from lightning_face.sample_heads.topology import HeadTopology
from lightning_face_scantalk.networks.mesh_operators import MeshOperators
from lightning_face_scantalk.networks.scantalk import ScanTalk

EIGENPAIRS = 128
SAMPLE_RATE, FRAMES = 16_000, 29
# frequency of the geodesic sphere a head is made of, for about that many vertices
FREQUENCIES = {"5k": 23, "17k": 41, "55k": 74}


def head(size: str) -> Mesh:
    """Make up a head."""
    sphere = HeadTopology(FREQUENCIES[size]).sphere()
    return Mesh(neutral(sphere, draw_identity(np.random.default_rng(0))), sphere.faces)


def operators(size: str, straight: bool) -> dict[str, Any]:
    """Compute the operators of a head; heat and gradients of its coordinates are compared."""
    mesh, small = head(size), Mesh(*geodesic(8))
    settings = OperatorSettings(EIGENPAIRS)

    def ours(mesh: Mesh) -> dict[str, Any]:
        found = operator_arrays(mesh, settings)
        for name in ("gradient_x", "gradient_y"):
            triplets = found[name], found["indices"], found["indptr"]
            found[name] = sparse.csr_array(triplets, shape=(len(mesh.vertices),) * 2)
        return found

    compute = (
        partial(straightforward.surface_operators.surface_operators, num_eigenpairs=EIGENPAIRS)
        if straight
        else ours
    )
    figures, found = measured(lambda: compute(mesh), repeats=2, warm=lambda: compute(small))
    # the last pairs of either solver may come from the same group of near-equal eigenvalues
    values, basis = found["eigenvalues"][:120], found["eigenbasis"][:, :120].astype(np.float64)
    mass, signal = found["mass"].astype(np.float64), mesh.vertices / np.abs(mesh.vertices).max()
    heat = basis @ (np.exp(-1e-3 * values)[:, None] * (basis.T @ (mass[:, None] * signal)))
    return figures | {"values": heat[::97].ravel().tolist()}


def geodesic(frequency: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and faces of a small head to compile and load libraries with."""
    sphere = HeadTopology(frequency).sphere()
    return neutral(sphere, draw_identity(np.random.default_rng(1))), sphere.faces


def network_and_head(size: str) -> tuple[ScanTalk, Tensor, Any, Tensor]:
    """The published network with random weights, a head, its operators and a second of sound."""
    torch.manual_seed(0)
    network = ScanTalk(SpeechEncoder()).eval()
    nn.init.normal_(network.decoder.last_lin.weight, std=0.01)
    mesh = head(size)
    vertices = torch.from_numpy(mesh.vertices).float()
    waveform = torch.randn(SAMPLE_RATE)
    return network, vertices, surface_operators(mesh, EIGENPAIRS), waveform


def animation(size: str, formulation: str, straight: bool) -> dict[str, Any]:
    """Animate one second of speech."""
    network, vertices, surface, waveform = network_and_head(size)
    plain = getattr(straightforward.scantalk, formulation)
    prepared = MeshOperators.from_surface(surface)

    def animate() -> Tensor:
        if straight:
            return plain(network, waveform, vertices, surface, FRAMES)
        return network(waveform, vertices, prepared, FRAMES)

    with torch.inference_mode():
        figures, frames = measured(animate, repeats=1 if formulation == "all_frames" else 3)
    displacement = (frames - vertices)[:, ::97]
    return figures | {"values": displacement.flatten().tolist()}


def training(straight: bool) -> dict[str, Any]:
    """Compute loss and gradients of 15 frames."""
    network, vertices, surface, waveform = network_and_head("5k")
    prepared = MeshOperators.from_surface(surface)
    frames = 15
    target = vertices + 1e-3 * torch.randn(frames, *vertices.shape)

    def step() -> Tensor:
        network.zero_grad()
        if straight:
            pred = straightforward.scantalk.all_frames(network, waveform, vertices, surface, frames)
        else:
            pred = network(waveform, vertices, prepared, frames)
        (1e6 * (pred - target).square().mean()).backward()
        return network.decoder.last_lin.weight.grad

    figures, gradient = measured(step, repeats=1 if straight else 2)
    return figures | {"values": gradient.flatten().tolist()}


TASKS = {
    "operators-5k": Task(partial(operators, "5k"), "operators, 5k vertices", "1/2"),
    "operators-17k": Task(partial(operators, "17k"), "operators, 17k vertices", "1/2"),
    "operators-55k": Task(partial(operators, "55k"), "operators, 55k vertices", "1/2", slow=True),
    "dense-5k": Task(
        partial(animation, "5k", "all_frames"), "1 s of speech, 5k, dense gradients", "1/10"
    ),
    "loop-5k": Task(
        partial(animation, "5k", "frame_by_frame"), "1 s of speech, 5k, frame loop", "1/1.4"
    ),
    "loop-17k": Task(
        partial(animation, "17k", "frame_by_frame"), "1 s of speech, 17k, frame loop", "1/1.4"
    ),
    "loop-55k": Task(
        partial(animation, "55k", "frame_by_frame"),
        "1 s of speech, 55k, frame loop",
        "3.5 GB",
        slow=True,
    ),
    "training": Task(training, "gradients of 15 frames, 5k, dense gradients", "1/6"),
}

if __name__ == "__main__":
    main(__file__, __doc__, TASKS)
