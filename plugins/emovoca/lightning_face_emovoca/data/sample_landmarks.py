"""The 68 landmarks of the sample's heads, as places on their triangles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lightning_face.sample_heads.topology import MOUTH_HALF_WIDTH, MOUTH_HEIGHT, SphereMesh

__all__ = ["landmark_places"]

Floats = NDArray[np.float64]

_EYE, _EYE_SIZE = np.array([0.34, 0.2]), np.array([0.12, 0.06])
_LIP_HEIGHT = 0.11


def landmark_places(mesh: SphereMesh) -> tuple[NDArray[np.int64], Floats]:
    """Find the triangles in which the landmarks of a head lie.

    Args:
        mesh: Topology of the head.

    Returns:
        Numbers of the triangles ``(68,)`` and barycentric weights in them ``(68, 3)``: 17
        landmarks along the jaw, then brows, nose, eyes, and outer and inner lips.
    """
    corners = mesh.directions[mesh.faces]
    skin = (mesh.eyeball[mesh.faces] == 0).all(axis=1)
    height = corners[..., 1].mean(axis=1) - MOUTH_HEIGHT
    wanted = _directions()
    # the inner lips meet in one line: which side of it decides between upper and lower
    sides = np.zeros(len(wanted), dtype=np.int64)
    sides[60:65], sides[65:68] = 1, -1
    found = np.empty(len(wanted), dtype=np.int64)
    weights = np.empty((len(wanted), 3))
    for number, (direction, side) in enumerate(zip(wanted, sides, strict=True)):
        allowed = np.flatnonzero(skin & ((side == 0) | (np.sign(height) == side)))
        shares = np.linalg.solve(
            corners[allowed].transpose(0, 2, 1), np.broadcast_to(direction[:, None], (3, 1))
        )[..., 0]
        # triangles behind the centre have the direction with weights below 0
        shares /= np.abs(shares.sum(axis=1, keepdims=True))
        best = int(shares.min(axis=1).argmax())
        inside = np.clip(shares[best], 0, None)
        found[number], weights[number] = allowed[best], inside / inside.sum()
    return found, weights


def _directions() -> Floats:
    """Directions of the landmarks from the centre of the head ``(68, 3)``, left to right."""
    turn = np.linspace(-1, 1, 17)
    jaw = np.stack([0.85 * np.sin(turn * np.pi / 2), 0.15 - 0.95 * np.cos(turn * np.pi / 2)], 1)
    brow = np.stack([np.linspace(0.52, 0.14, 5), [0.36, 0.42, 0.45, 0.44, 0.4]], 1)
    bridge = np.stack([np.zeros(4), np.linspace(0.24, -0.06, 4)], 1)
    wings = np.stack([np.linspace(-0.12, 0.12, 5), [-0.14, -0.16, -0.17, -0.16, -0.14]], 1)
    around = np.pi * np.array([1, 2 / 3, 1 / 3, 0, -1 / 3, -2 / 3])
    eye = np.stack([np.cos(around), np.sin(around)], 1) * _EYE_SIZE
    upper = np.linspace(-1, 1, 7)
    lower = np.linspace(1, -1, 7)[1:-1]
    outer = np.concatenate(
        [
            np.stack([upper, np.sqrt(1 - upper**2)], 1),
            np.stack([lower, -np.sqrt(1 - lower**2)], 1),
        ]
    ) * (1.1 * MOUTH_HALF_WIDTH, _LIP_HEIGHT) + (0, MOUTH_HEIGHT)
    inner = np.array([-0.95, -0.4, 0.0, 0.4, 0.95, 0.4, 0.0, -0.4]) * MOUTH_HALF_WIDTH
    points = np.concatenate(
        [
            jaw,
            brow * (-1, 1),
            brow[::-1],
            bridge,
            wings,
            eye - _EYE * np.array([1, -1]),
            eye + _EYE,
            outer,
            np.stack([inner, np.full(8, MOUTH_HEIGHT)], 1),
        ]
    )
    forward = np.sqrt(np.clip(1 - (points**2).sum(axis=1), 0.02, None))
    directions = np.column_stack([points, forward])
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)
