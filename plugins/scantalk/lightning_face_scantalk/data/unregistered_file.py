"""Sequences whose frames are meshes of any structure, stored as padded arrays.

A sequence ``name`` of a data set is in::

    vertices_npy/<name>.npy     (frames, most vertices, 3), metres, padded with zeros
    faces_npy/<name>.npy        (frames, most faces, 3), padded with -1
    lengths_npy/<name>.npy      (frames, 2), vertices and faces of each frame; may be absent
    registered_npy/<name>.npy   (frames, vertices of the template, 3); may be absent

Where lengths are absent, which is how the published code stores sequences, the rows of padding at
the end of each frame tell them. The registered positions say where the vertices of the subject's
template truly are, and serve evaluation alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.errors import DataError
from lightning_face.mesh import Mesh
from lightning_face.mesh.vertex_file import open_array

__all__ = [
    "FACES",
    "LENGTHS",
    "REGISTERED",
    "VERTICES",
    "frame_lengths",
    "read_frames",
    "write_frames",
]

VERTICES, FACES = "vertices_npy", "faces_npy"
LENGTHS, REGISTERED = "lengths_npy", "registered_npy"


def write_frames(
    folder: Path,
    name: str,
    frames: Sequence[Mesh],
    registered: NDArray[np.float32] | None = None,
) -> None:
    """Write a sequence with its lengths.

    Args:
        folder: Folder of the data set.
        name: Name of the sequence.
        frames: Mesh of each frame, in metres.
        registered: Where the vertices of the template truly are ``(frames, vertices, 3)``.
    """
    lengths = np.array([(len(mesh.vertices), len(mesh.faces)) for mesh in frames], dtype=np.int64)
    most_vertices, most_faces = lengths.max(axis=0)
    vertices = np.zeros((len(frames), most_vertices, 3), dtype=np.float32)
    faces = np.full((len(frames), most_faces, 3), -1, dtype=np.int32)
    for index, mesh in enumerate(frames):
        vertices[index, : len(mesh.vertices)] = mesh.vertices
        faces[index, : len(mesh.faces)] = mesh.faces
    for part, array in ((VERTICES, vertices), (FACES, faces), (LENGTHS, lengths)):
        _save(folder / part / f"{name}.npy", array)
    if registered is not None:
        _save(folder / REGISTERED / f"{name}.npy", registered)


def frame_lengths(folder: Path, name: str) -> NDArray[np.int64]:
    """Return how many vertices and faces the frames of a sequence have.

    Args:
        folder: Folder of the data set.
        name: Name of the sequence.

    Returns:
        Numbers ``(frames, 2)``.

    Raises:
        DataError: A file is missing, damaged or contradicts the others, or a frame is empty.
    """
    vertices, faces = _open(folder, name)
    path = folder / LENGTHS / f"{name}.npy"
    if path.is_file():
        found = open_array(path)
        if found.shape != (len(vertices), 2) or found.dtype.kind not in "iu":
            raise DataError(
                f"{path} holds {found.dtype} of the shape {found.shape}, not two whole numbers "
                f"for each of {len(vertices)} frames"
            )
        lengths = np.array(found, dtype=np.int64)
    else:
        path = folder / VERTICES / f"{name}.npy"
        lengths = np.array(
            [
                (_last((frame != 0).any(axis=1)), _last((triangles >= 0).all(axis=1)))
                for frame, triangles in zip(vertices, faces, strict=True)
            ],
            dtype=np.int64,
        )
    most = np.array([vertices.shape[1], faces.shape[1]])
    bad = np.flatnonzero(
        (lengths[:, 0] < 1) | (lengths < 0).any(axis=1) | (lengths > most).any(axis=1)
    )
    if len(bad):
        raise DataError(
            f"{path}: frame {bad[0]} has {lengths[bad[0], 0]} vertices and {lengths[bad[0], 1]} "
            f"faces, of at most {most[0]} and {most[1]}"
        )
    return lengths


def read_frames(folder: Path, name: str, lengths: NDArray[np.int64], stride: int = 1) -> list[Mesh]:
    """Read the meshes of a sequence, without padding.

    Args:
        folder: Folder of the data set.
        name: Name of the sequence.
        lengths: What `frame_lengths` found.
        stride: Take every ``stride``-th frame, from the first.

    Raises:
        DataError: A file is damaged, a position is not finite, or a face names a vertex that the
            frame does not have.
    """
    vertices, faces = _open(folder, name)
    frames = []
    for index in range(0, len(vertices), stride):
        count, triangles = lengths[index]
        mesh = Mesh(
            np.array(vertices[index, :count], dtype=np.float64),
            np.array(faces[index, :triangles], dtype=np.int64),
        )
        if not np.isfinite(mesh.vertices).all():
            raise DataError(
                f"{folder / VERTICES / name}.npy: the vertices of frame {index} are not finite"
            )
        if mesh.faces.size and not 0 <= mesh.faces.min() <= mesh.faces.max() < count:
            raise DataError(
                f"{folder / FACES / name}.npy: a face of frame {index} names a vertex that is not "
                f"there, of {count}"
            )
        frames.append(mesh)
    return frames


def _open(folder: Path, name: str) -> tuple[NDArray[Any], NDArray[Any]]:
    vertices_path, faces_path = (folder / part / f"{name}.npy" for part in (VERTICES, FACES))
    vertices, faces = open_array(vertices_path), open_array(faces_path)
    for path, array in ((vertices_path, vertices), (faces_path, faces)):
        if array.ndim != 3 or array.shape[2] != 3 or not len(array):
            raise DataError(f"{path} has the shape {array.shape}, not (frames, rows, 3)")
    if faces.dtype.kind not in "iu":
        raise DataError(f"{faces_path} holds {faces.dtype}, no numbers of vertices")
    if len(vertices) != len(faces):
        raise DataError(
            f"{vertices_path} has {len(vertices)} frames, but {faces_path} has {len(faces)}"
        )
    return vertices, faces


def _last(filled: NDArray[np.bool_]) -> int:
    """Count the rows up to the last one that is no padding."""
    rows = np.flatnonzero(filled)
    return int(rows[-1]) + 1 if len(rows) else 0


def _save(path: Path, array: NDArray[Any]) -> None:
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, array)
