"""A small synthetic stand-in for VOCAset without registration.

The heads are those of the sample of registered data, but each frame is a scan of its own: its
points lie a little elsewhere on the skin, in another order, with a hole and with finer places. So
no two frames have the same mesh, and yet most of the Chamfer distance to the head at rest comes
from the movement and not from the sampling, whose share no training can take away.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_face.audio import write_wav
from lightning_face.mesh import Mesh, write_mesh
from lightning_face.sample_heads.shape import (
    draw_identity,
    lip_vertices,
    movement,
    neutral,
    upper_vertices,
)
from lightning_face.sample_heads.speech import draw_utterance, subject_number
from lightning_face.sample_heads.topology import HeadTopology, SphereMesh
from lightning_face_scantalk.data.unregistered_file import write_frames

__all__ = ["SUBJECTS", "write_unregistered_sample"]

SUBJECTS = (
    "FaceTalk_170725_00137_TA",
    "FaceTalk_170728_03272_TA",
    "FaceTalk_170811_03274_TA",
    "FaceTalk_170904_00128_TA",
    "FaceTalk_170809_00138_TA",
)
"""Heads of the sample: four train, of which the first validates as well, and one is tested."""

_FPS = 30
_SAMPLE_RATE = 22050
_JITTER, _FINER = 0.1, 0.05
_HOLES, _HOLE_RADIUS = 1, 0.12


def write_unregistered_sample(
    root: Path,
    subjects: Sequence[str] = SUBJECTS,
    frequency: int = 9,
    sentences: int = 4,
    seconds: float = 1.2,
    opening: float = 0.018,
    seed: int = 0,
) -> None:
    """Write speaking heads scanned anew in each frame; the same arguments give the same files.

    The layout is that of :mod:`lightning_face_scantalk.data.unregistered_file`, with the sounds in
    ``wav``, a neutral head of each subject in ``templates``, and vertices of its lips and upper
    face in ``lips`` and ``upper``. Every second head has another topology than the others, and
    every fourth sequence has no lengths, as the published code stores them.

    Args:
        root: Folder to write into; made if missing.
        subjects: Names of the heads.
        frequency: Fineness of the heads, see `HeadTopology`; every second one is finer by 1.
        sentences: Recordings of each head.
        seconds: How long the shortest recording lasts; the others are up to a quarter longer.
        opening: Way of the lower lip at full opening, in metres.
        seed: Seed of heads and speech.
    """
    for folder in ("wav", "templates", "lips", "upper"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for index, subject in enumerate(subjects):
        person = draw_identity(np.random.default_rng([seed, subject_number(subject)]))
        topology = HeadTopology(frequency + index % 2, face_only=True)
        mesh = topology.sphere()
        template = neutral(mesh, person)
        write_mesh(root / "templates" / f"{subject}.ply", Mesh(template, mesh.faces))
        np.save(root / "lips" / f"{subject}.npy", lip_vertices(mesh))
        np.save(root / "upper" / f"{subject}.npy", upper_vertices(mesh))
        for number in range(1, sentences + 1):
            random = np.random.default_rng([seed, subject_number(subject), number])
            frames = round(seconds * (1 + 0.25 * random.random()) * _FPS)
            utterance = draw_utterance(frames / _FPS, random)
            name = f"{subject}_sentence{number:02}"
            write_wav(root / "wav" / f"{name}.wav", utterance.sound(_SAMPLE_RATE), _SAMPLE_RATE)
            amounts = utterance.opening(np.arange(frames) / _FPS)
            registered = template + amounts[:, None, None] * movement(mesh, opening)
            scans = []
            for amount in amounts:
                scan = _scan(mesh, random)
                moved = neutral(scan, person) + amount * movement(scan, opening)
                scans.append(Mesh(moved, scan.faces))
            write_frames(root, name, scans, registered.astype(np.float32))
            if number % 4 == 0:
                (root / "lengths_npy" / f"{name}.npy").unlink()


def _scan(mesh: SphereMesh, random: np.random.Generator) -> SphereMesh:
    """Scan a head anew: points elsewhere on the skin, holes, finer places, another order."""
    directions = mesh.directions + _jitter(mesh, random)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    centres = directions[mesh.faces].mean(axis=1)
    holes = random.standard_normal((_HOLES, 3))
    holes /= np.linalg.norm(holes, axis=1, keepdims=True)
    faces = mesh.faces[(centres @ holes.T < np.cos(_HOLE_RADIUS)).all(axis=1)]
    finer = random.random(len(faces)) < _FINER
    added = directions[faces[finer]].mean(axis=1)
    added /= np.linalg.norm(added, axis=1, keepdims=True)
    apex = len(directions) + np.arange(len(added))
    fans = [np.column_stack([faces[finer][:, [k, (k + 1) % 3]], apex]) for k in range(3)]
    faces = np.concatenate([faces[~finer], *fans])
    used = random.permutation(np.unique(faces))
    place = np.zeros(len(directions) + len(added), dtype=np.int64)
    place[used] = np.arange(len(used))
    none = np.zeros(len(added), dtype=np.int64)
    return SphereMesh(
        directions=np.concatenate([directions, added])[used],
        faces=random.permutation(place[faces]),
        side=np.concatenate([mesh.side, none])[used],
        eyeball=np.concatenate([mesh.eyeball, none])[used],
    )


def _jitter(mesh: SphereMesh, random: np.random.Generator) -> NDArray[np.float64]:
    """Ways of points along the skin, a part of the distance to the nearest neighbour."""
    corners = mesh.directions[mesh.faces]
    lengths = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1)
    nearest = np.full(len(mesh.directions), np.inf)
    np.minimum.at(nearest, mesh.faces, np.minimum(lengths, np.roll(lengths, -1, axis=1)))
    # the edge of the lips stays the edge of the lips
    nearest[mesh.side != 0] = 0
    return _JITTER * nearest[:, None] * random.uniform(-1, 1, mesh.directions.shape)
