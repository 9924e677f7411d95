"""Expressions of the sample's heads, put together from movements of the parts of a face.

A movement is a smooth field over the directions of the unit sphere, so it fits a head of any
topology. Lengths are in metres, y is up, the face looks along +z.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lightning_face.sample_heads.topology import MOUTH_HALF_WIDTH, MOUTH_HEIGHT, SphereMesh

__all__ = ["expression", "smile_width"]

Floats = NDArray[np.float64]

_STRENGTH = 0.010
_MOUTH_CORNER = (MOUTH_HALF_WIDTH, MOUTH_HEIGHT)

# Each emotion is a sum of the movements below, so that no two of them look alike.
_MOVEMENTS: Mapping[str, Mapping[str, float]] = {
    "Afraid": {"brows": 1.0, "inner brows": 0.5, "stretched mouth": 0.8, "lids": -0.6},
    "Disgust": {"nose": 0.9, "brows": -0.4, "mouth corners": -0.4, "upper lip": 0.7},
    "Irritated1": {"brows": -0.9, "frown": 0.8, "pout": 0.6, "lids": 0.5},
    "Sad1": {"inner brows": 1.0, "mouth corners": -0.8, "chin": 0.5, "cheeks": -0.4},
    "Smile2": {"mouth corners": 0.8, "cheeks": 0.8, "stretched mouth": 0.5},
    "Drunk2": {"left brow": 0.9, "lids": -0.9, "left mouth corner": 0.8, "cheeks": 0.4},
    "Ill": {"brows": -0.5, "inner brows": 0.6, "cheeks": -1.0, "lids": -0.4},
    "Moody": {"frown": 0.8, "mouth corners": -0.6, "chin": 0.9, "brows": -0.3},
    "Pleased": {"mouth corners": 0.7, "brows": 0.7, "lids": 0.4},
    "Suspicious": {"left brow": 1.0, "frown": 0.6, "lids": 0.9, "pout": 0.3},
    "Upset": {"inner brows": 0.8, "nose": 0.6, "pout": 0.9, "chin": 0.5},
    "Neutral": {},
}


def expression(mesh: SphereMesh, name: str, variation: np.random.Generator) -> Floats:
    """Return where every vertex goes when an expression is at its apex.

    Args:
        mesh: Topology of the head.
        name: Emotion as files call it, such as ``Smile2``.
        variation: Source of the small differences between people.

    Returns:
        Displacements in metres ``(vertices, 3)``.
    """
    fields = _fields(mesh)
    moved = np.zeros_like(mesh.directions)
    for part, share in _MOVEMENTS[name].items():
        moved += _STRENGTH * share * variation.uniform(0.93, 1.07) * fields[part]
    moved[mesh.eyeball != 0] = 0
    return moved


def smile_width(mesh: SphereMesh) -> Floats:
    """Return where every vertex goes when the mouth is spread as for "ee".

    Args:
        mesh: Topology of the head.

    Returns:
        Displacements in metres ``(vertices, 3)``.
    """
    return np.where(mesh.eyeball[:, None] != 0, 0, 0.003 * _fields(mesh)["stretched mouth"])


def _fields(mesh: SphereMesh) -> dict[str, Floats]:
    """Movements of the parts of a face, each of length 1 at its centre ``(vertices, 3)``."""
    x, y, z = mesh.directions.T
    front = np.clip(2 * z, 0, 1)

    def place(cx: float, cy: float, width: float, height: float) -> Floats:
        return np.exp(-(((x - cx) / width) ** 2) - ((y - cy) / height) ** 2) * front

    def move(weight: Floats, *direction: float) -> Floats:
        return weight[:, None] * np.array(direction)

    def pair(centre: tuple[float, float], size: tuple[float, float], *way: float) -> Floats:
        across, *rest = way
        left, right = (place(side * centre[0], centre[1], *size) for side in (1, -1))
        return move(left, across, *rest) + move(right, -across, *rest)

    corner, brow = (0.16, 0.16), (0.2, 0.13)
    middle = place(0, MOUTH_HEIGHT, 0.26, 0.16)
    return {
        "brows": pair((0.34, 0.42), brow, 0.0, 1.0, 0.1),
        "inner brows": pair((0.15, 0.4), (0.14, 0.14), 0.0, 1.0, 0.15),
        "frown": pair((0.2, 0.38), (0.15, 0.13), -0.6, -0.6, 0.2),
        "left brow": move(place(0.32, 0.42, *brow), 0.0, 1.1, 0.1),
        "lids": pair((0.34, 0.08), (0.18, 0.1), 0.0, 0.9, 0.2),
        "cheeks": pair((0.44, -0.1), (0.2, 0.18), 0.1, 0.7, 0.6),
        "nose": pair((0.1, 0.0), (0.12, 0.2), 0.1, 0.8, 0.3),
        "upper lip": move(place(0, MOUTH_HEIGHT + 0.12, 0.2, 0.12), 0.0, 0.7, 0.3),
        "mouth corners": pair(_MOUTH_CORNER, corner, 0.4, 0.9, 0.0),
        "left mouth corner": move(place(*_MOUTH_CORNER, *corner), 0.4, 0.9, 0.0),
        "stretched mouth": pair(_MOUTH_CORNER, corner, 1.0, 0.0, -0.3),
        "pout": move(middle, 0.0, 0.0, 1.0),
        "chin": move(place(0, -0.66, 0.22, 0.16), 0.0, 0.7, 0.3),
    }
