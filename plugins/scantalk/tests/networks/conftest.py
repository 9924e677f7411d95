from __future__ import annotations

import numpy as np
import pytest
import torch
import trimesh

from lightning_face.audio.speech_encoder import SpeechEncoder
from lightning_face.mesh import Mesh
from lightning_face.mesh.operators import SurfaceOperators, surface_operators
from lightning_face_scantalk.networks.mesh_operators import MeshOperators
from lightning_face_scantalk.networks.scantalk import ScanTalk


def egg(subdivisions: int, num_eigenpairs: int = 24) -> tuple[torch.Tensor, SurfaceOperators]:
    """Make a closed surface of the size of a head, and its operators."""
    body = trimesh.creation.icosphere(subdivisions=subdivisions)
    x, y, z = body.vertices.T
    vertices = body.vertices * (1 + 0.1 * np.sin(3 * x + y) + 0.05 * z)[:, None] * (0.08, 0.11, 0.1)
    surface = surface_operators(Mesh(vertices, np.asarray(body.faces, np.int64)), num_eigenpairs)
    return torch.from_numpy(vertices).float(), surface


@pytest.fixture(scope="session")
def head():
    """Vertices and operators of 162 vertices as they are kept on disk."""
    return egg(2)


@pytest.fixture(scope="session")
def other_head():
    """A mesh of another topology, of 42 vertices."""
    return egg(1)


@pytest.fixture
def operators(head):
    return MeshOperators.from_surface(head[1])


@pytest.fixture
def network():
    """A small ScanTalk that moves the mesh, with diffusion times that matter."""
    torch.manual_seed(0)
    network = ScanTalk(SpeechEncoder.tiny(), latent_channels=8, lstm_layers=1, num_blocks=2)
    torch.nn.init.normal_(network.decoder.last_lin.weight, std=0.1)
    for name, parameter in network.named_parameters():
        if name.endswith(".times"):
            torch.nn.init.uniform_(parameter, 1e-5, 1e-2)
        elif "gradient_features" in name:
            parameter.data.mul_(1e-2)
    return network.eval()


@pytest.fixture
def speech():
    """Half a second of noise."""
    return torch.randn(8000, generator=torch.Generator().manual_seed(1))
