"""A small batch of made-up heads."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lightning_face.mesh import Mesh
from lightning_face.mesh.operators import surface_operators

__all__ = ["example_batch"]

_SECONDS = 0.6
_FPS = (30, 25)


def example_batch(unregistered: bool = False) -> dict[str, Any]:
    """Make two sequences of heads of different topology, frame rate and length.

    Args:
        unregistered: Whether the truth is a set of points that changes from frame to frame.
    """
    generator = torch.Generator().manual_seed(0)
    samples = [_sequence(rings, fps, generator) for rings, fps in zip((5, 6), _FPS, strict=True)]
    batch: dict[str, Any] = {name: [each[name] for each in samples] for name in samples[0]}
    batch["files"] = ["ball-0.wav with ball-0.npy", "ball-1.wav with ball-1.npy"]
    if unregistered:
        batch["targets"] = [
            [frame[index % 2 :] for index, frame in enumerate(vertices)]
            for vertices in batch["vertices"]
        ]
        batch["target_faces"] = [
            [faces[(faces >= index % 2).all(dim=1)] - index % 2 for index in range(len(vertices))]
            for faces, vertices in zip(batch["faces"], batch["vertices"], strict=True)
        ]
    return batch


def _sequence(rings: int, fps: int, generator: torch.Generator) -> dict[str, Any]:
    """A ball whose lower half goes up and down."""
    template, faces = _ball(rings, 2 * rings)
    frames = round(_SECONDS * fps)
    opening = 0.01 * torch.linspace(0, 2 * math.pi, frames).sin().abs()
    vertices = template.repeat(frames, 1, 1)
    vertices[:, :, 1] -= opening[:, None] * (template[:, 1] < 0)
    lower = torch.nonzero(template[:, 1] < -0.05).flatten()
    upper = torch.nonzero(template[:, 1] > 0.05).flatten()
    mesh = Mesh(template.double().numpy(), faces.numpy())
    return {
        "waveform": torch.randn(round(16000 * _SECONDS), generator=generator),
        "vertices": vertices,
        "template": template,
        "faces": faces,
        "operators": surface_operators(mesh, num_eigenpairs=8),
        "lips": torch.cat([lower, upper]),
        "upper": upper,
        "upper_lip": upper,
        "lower_lip": lower,
        "fps": fps,
        "dataset": "balls",
        "subject": f"ball-{rings}",
    }


def _ball(rings: int, sectors: int) -> tuple[Tensor, Tensor]:
    """A ball of 10 cm radius, as vertices ``(vertices, 3)`` in metres and faces."""
    tilt, turn = np.meshgrid(
        np.pi * (np.arange(rings) + 1) / (rings + 1),
        2 * np.pi * np.arange(sectors) / sectors,
        indexing="ij",
    )
    around = [np.sin(tilt) * np.cos(turn), np.cos(tilt), np.sin(tilt) * np.sin(turn)]
    points = np.stack(around, axis=-1).reshape(-1, 3)
    points = np.concatenate([points, [[0, 1, 0], [0, -1, 0]]])
    faces = []
    for ring in range(rings - 1):
        for sector in range(sectors):
            a, b = ring * sectors + sector, ring * sectors + (sector + 1) % sectors
            faces += [(a, b, a + sectors), (b, b + sectors, a + sectors)]
    top, bottom, last = len(points) - 2, len(points) - 1, (rings - 1) * sectors
    for sector in range(sectors):
        after = (sector + 1) % sectors
        faces += [(top, after, sector), (bottom, last + sector, last + after)]
    return torch.tensor(0.1 * points, dtype=torch.float32), torch.tensor(faces)
