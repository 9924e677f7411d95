"""Shapes and movements of the sample's heads, given for every point of the unit sphere.

A head is a function of the direction, so heads of any topology show the same person, and where a
point of one mesh goes is known for every other mesh. Lengths are in metres, y is up, the face
looks along +z.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_face.sample_heads.topology import (
    MOUTH_HALF_WIDTH,
    MOUTH_HEIGHT,
    SphereMesh,
)

__all__ = [
    "OPENING",
    "Identity",
    "draw_identity",
    "lip_vertices",
    "movement",
    "neutral",
    "upper_vertices",
]

Floats = NDArray[np.float64]

OPENING = 0.012
"""Way of the lower lip at full opening, in metres."""

_RADII = np.array([0.078, 0.115, 0.092])
_EYE_X, _EYE_Y, _EYE_RADIUS = 0.34, 0.2, 0.012
_NECK = np.array([0.0, -0.9, -0.436])
_UPPER_SHARE = 0.25
_LIP_WIDTH, _LIP_HEIGHT = 0.48, 0.24


@dataclass(frozen=True, eq=False)
class Identity:
    """What tells one head from another.

    Attributes:
        radii: Half width, height and depth of the skull in metres ``(3,)``.
        ripples: Strengths of slow waves over the skull ``(3,)``, shares of the radius.
        phases: Phases of the waves ``(3,)``.
        nose: Length of the nose, 1 is the usual one; so are the next ones.
        jaw: Width of the jaw.
        chin: Length of the chin.
        lips: Fullness of the lips.
        eyes: Depth of the eye sockets.
    """

    radii: Floats
    ripples: Floats
    phases: Floats
    nose: float
    jaw: float
    chin: float
    lips: float
    eyes: float


def draw_identity(random: np.random.Generator) -> Identity:
    """Make up a person.

    Args:
        random: Source of every choice.
    """
    return Identity(
        radii=_RADII * (1 + 0.06 * random.uniform(-1, 1, 3)),
        ripples=random.uniform(0.01, 0.02, 3),
        phases=random.uniform(0, 2 * np.pi, 3),
        nose=random.uniform(0.8, 1.25),
        jaw=random.uniform(0.8, 1.2),
        chin=random.uniform(0.7, 1.3),
        lips=random.uniform(0.8, 1.25),
        eyes=random.uniform(0.8, 1.2),
    )


def neutral(mesh: SphereMesh, person: Identity) -> Floats:
    """Return the head at rest with the mouth closed.

    Args:
        mesh: Topology of the head.
        person: Whose head.

    Returns:
        Positions ``(vertices, 3)`` in metres.
    """
    skin = _skin(mesh.directions, person)
    for which in (-1, 1):
        ball = mesh.eyeball == which
        x, y = which * _EYE_X, _EYE_Y
        socket = _skin(np.array([[x, y, np.sqrt(1 - x * x - y * y)]]), person)
        centre = socket[0] - (0, 0, 0.3 * _EYE_RADIUS)
        skin[ball] = centre + _EYE_RADIUS * mesh.directions[ball]
    return skin


def movement(mesh: SphereMesh, opening: float = OPENING) -> Floats:
    """Return where every vertex goes when the mouth opens all the way, in metres ``(vertices, 3)``.

    The lower lip takes the jaw along, the upper lip goes up by a quarter of its way; the corners
    of the mouth move by the mean of both.

    Args:
        mesh: Topology of the head.
        opening: Way of the lower lip in metres.
    """
    x, y, z = mesh.directions.T
    height = y - MOUTH_HEIGHT
    side = np.where(mesh.side != 0, mesh.side, np.sign(height))
    # the upper lip moves by itself, the lower one with the jaw down to below the chin
    width = _LIP_WIDTH + 0.3 * np.clip(-height, 0, 0.4)
    tall = np.where(side > 0, np.exp(-2 * (height / _LIP_HEIGHT) ** 2), _smooth_step(y, -1, -0.85))
    weight = np.exp(-2 * (x / width) ** 2) * tall * _front(z)
    within = np.clip(1 - (x / MOUTH_HALF_WIDTH) ** 2, 0, 1)
    apart = side * np.sqrt(np.minimum(within + (height / 0.12) ** 2, 1))
    middle, spread = (_UPPER_SHARE - 1) / 2, (_UPPER_SHARE + 1) / 2
    way = np.zeros_like(mesh.directions)
    way[:, 1] = opening * weight * (middle + spread * apart)
    # a jaw turns about the ears: what goes down goes back
    way[:, 2] = 0.3 * np.minimum(way[:, 1], 0)
    way[mesh.eyeball != 0] = 0
    return way


def lip_vertices(mesh: SphereMesh) -> NDArray[np.int64]:
    """Return the numbers of the vertices around the mouth.

    Args:
        mesh: Topology of the head.
    """
    x, y, z = mesh.directions.T
    near = (x / _LIP_WIDTH) ** 2 + ((y - MOUTH_HEIGHT) / _LIP_HEIGHT) ** 2 < 1
    return np.flatnonzero(near & (z > 0) & (mesh.eyeball == 0))


def upper_vertices(mesh: SphereMesh) -> NDArray[np.int64]:
    """Return the numbers of the vertices of the upper face.

    Args:
        mesh: Topology of the head.
    """
    _, y, z = mesh.directions.T
    return np.flatnonzero((y > 0.12) & (z > -0.2) & (mesh.eyeball == 0))


def _front(z: Floats) -> Floats:
    """Fade from 1 on the face to 0 behind the ears."""
    return _smooth_step(z, -0.1, 0.4)


def _smooth_step(value: Floats, start: float, end: float) -> Floats:
    share = np.clip((value - start) / (end - start), 0, 1)
    return share * share * (3 - 2 * share)


def _skin(directions: Floats, person: Identity) -> Floats:
    """Positions in metres of the points of the skin in some directions of the sphere."""
    x, y, z = directions.T
    front = _front(z)

    def bump(cx: float, cy: float, width: float, height: float) -> Floats:
        return np.exp(-(((x - cx) / width) ** 2) - ((y - cy) / height) ** 2) * front

    def pair(cx: float, cy: float, width: float, height: float) -> Floats:
        return bump(-cx, cy, width, height) + bump(cx, cy, width, height)

    waves = (
        np.stack([np.sin(3 * x), np.sin(2 * y + x), np.cos(2 * z + y)]) * person.ripples[:, None]
    )
    ripple = 1 + (waves * np.cos(person.phases)[:, None]).sum(axis=0)
    points = directions * person.radii * ripple[:, None]
    points[:, 0] *= 1 - 0.18 * np.maximum(-y, 0) ** 2 / person.jaw
    relief = (
        0.006 * bump(0, 0.42, 0.5, 0.12)
        - 0.013 * person.eyes * pair(_EYE_X, _EYE_Y, 0.17, 0.11)
        + 0.016 * person.nose * bump(0, -0.07, 0.11, 0.11)
        + 0.011 * person.nose * bump(0, 0.14, 0.075, 0.2)
        + 0.006 * person.nose * pair(0.11, -0.1, 0.07, 0.06)
        + 0.004 * pair(0.48, -0.08, 0.2, 0.18)
        + 0.006 * person.lips * bump(0, -0.29, 0.24, 0.07)
        + 0.007 * person.lips * bump(0, -0.44, 0.22, 0.075)
        - 0.004 * person.lips * bump(0, MOUTH_HEIGHT, 0.3, 0.04)
        - 0.003 * bump(0, -0.58, 0.2, 0.06)
        + 0.010 * person.chin * bump(0, -0.74, 0.22, 0.13)
    )
    points[:, 2] += relief
    ear = np.exp(-(((y - 0.05) / 0.2) ** 2) - ((z + 0.12) / 0.14) ** 2) * (np.abs(x) > 0.5)
    points[:, 0] += 0.015 * np.sign(x) * ear
    points[:, 2] -= 0.006 * ear
    neck = _smooth_step(directions @ _NECK, 0.72, 0.92)
    points += neck[:, None] * (0.0, -0.055, -0.012)
    return points
