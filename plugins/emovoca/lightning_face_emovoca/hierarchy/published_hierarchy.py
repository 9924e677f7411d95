"""Mesh hierarchies in the file format of the published code, ``downsampling_matrices.pkl``."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lightning_face.checkpoint.array_pickle import read_plain_pickle
from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.checkpoint.digest import file_digest
from lightning_face.errors import DataError
from lightning_face_emovoca.hierarchy.hierarchy_cache import cached_hierarchy
from lightning_face_emovoca.hierarchy.mesh_hierarchy import MeshHierarchy
from lightning_face_emovoca.hierarchy.spirals import (
    PUBLISHED_SPIRALS,
    SpiralSettings,
    default_settings,
    spiral_tables,
)

__all__ = [
    "HIERARCHY_FILE",
    "kept_vertices",
    "read_published_hierarchy",
    "upsampling_weights",
    "write_published_hierarchy",
]

HIERARCHY_FILE = "downsampling_matrices.pkl"
PUBLISHED_SIZES = (5023, 1256, 314, 79, 20)


def read_published_hierarchy(
    path: Path | str, settings: SpiralSettings | None = None, cached: bool = True
) -> MeshHierarchy:
    """Read a mesh hierarchy and make its spirals, without running any code of the file.

    Args:
        path: The pickle, or the folder that has it as ``downsampling_matrices.pkl``.
        settings: How spirals are made; if None, those of the published networks for a hierarchy
            of the published sizes, and some like them for others.
        cached: Whether to take the spirals that were made from the same file before.

    Raises:
        DataError: The file is missing, damaged, or none of these files.
        ConfigError: The settings are not for this hierarchy.
    """
    path = Path(path)
    if path.is_dir():
        path = path / HIERARCHY_FILE
    if not path.is_file():
        raise DataError(
            f"there is no template hierarchy {path}; the published one is "
            f"src/template/{HIERARCHY_FILE} of github.com/miccunifi/EmoVOCA"
        )
    if not cached:
        return _make(path, settings)
    key = f"published {file_digest(path)} {settings}"
    return cached_hierarchy(key, lambda: _make(path, settings))


def write_published_hierarchy(path: Path | str, hierarchy: MeshHierarchy) -> None:
    """Write a mesh hierarchy, but for its spirals, as the published code reads it.

    Args:
        path: File to create or replace.
        hierarchy: What to write.
    """
    sizes, samplings = hierarchy.level_sizes, zip(hierarchy.down, hierarchy.up, strict=True)
    down, up = [], []
    for step, (kept, (indices, weights)) in enumerate(samplings):
        fine, coarse = sizes[step], sizes[step + 1]
        ones = np.ones(coarse)
        down.append(sparse.csc_matrix((ones, (np.arange(coarse), kept)), shape=(coarse, fine)))
        rows = np.repeat(np.arange(fine), 3)
        entries = weights.ravel(), (rows, indices.ravel())
        up.append(sparse.csc_matrix(entries, shape=(fine, coarse)))
    faces = [each.astype(np.uint32) for each in hierarchy.faces]
    content = {
        "M_verts_faces": list(zip(hierarchy.vertices, faces, strict=True)),
        "A": [_adjacency(*level) for level in zip(hierarchy.faces, sizes, strict=True)],
        "D": down,
        "U": up,
        "F": list(hierarchy.faces[1:]),
    }
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        pickle.dump(content, file, protocol=4)


def kept_vertices(matrix: Any) -> NDArray[np.int64]:  # noqa: ANN401
    """Name the vertices that a down-sampling matrix keeps.

    Args:
        matrix: Sparse ``(coarse vertices, fine vertices)``, with a single 1 in every row.

    Returns:
        Fine vertex that each coarse one is ``(coarse vertices,)``.

    Raises:
        DataError: A row is of another kind.
    """
    rows = _rows(matrix)
    if not (np.diff(rows.indptr) == 1).all() or not (rows.data == 1).all():
        raise DataError("a down-sampling matrix does not keep vertices, one for every row")
    return rows.indices.astype(np.int64)


def upsampling_weights(matrix: Any) -> tuple[NDArray[np.int64], NDArray[np.float64]]:  # noqa: ANN401
    """Name the coarse vertices, up to three, of which each fine one is a weighted sum.

    Args:
        matrix: Sparse ``(fine vertices, coarse vertices)``.

    Returns:
        Coarse vertices and weights ``(fine vertices, 3)``.

    Raises:
        DataError: A row has more than three entries.
    """
    rows = _rows(matrix)
    counts = np.diff(rows.indptr)
    if counts.max(initial=0) > 3:
        raise DataError("an up-sampling matrix has more than three weights in a row")
    indices = np.zeros((len(counts), 3), np.int64)
    weights = np.zeros((len(counts), 3))
    places = np.arange(3) < counts[:, None]
    indices[places], weights[places] = rows.indices, rows.data
    return indices, weights


def _make(path: Path, settings: SpiralSettings | None) -> MeshHierarchy:
    content = read_plain_pickle(path)
    try:
        vertices = [np.array(each, np.float64) for each, _ in content["M_verts_faces"]]
        faces = [np.array(each, np.int64) for _, each in content["M_verts_faces"]]
        down = [kept_vertices(matrix) for matrix in content["D"]]
        up = [upsampling_weights(matrix) for matrix in content["U"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path} is no template hierarchy: {error!r}") from error
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    sizes = tuple(len(each) for each in vertices)
    if settings is None and sizes == PUBLISHED_SIZES:
        settings = PUBLISHED_SPIRALS
    elif settings is None:
        settings = default_settings(vertices[0], faces[0], len(sizes))
    try:
        for level, each in enumerate(faces):
            if each.ndim != 2 or each.min(initial=0) < 0 or each.max(initial=0) >= sizes[level]:
                raise DataError(f"the faces of level {level} do not go with its vertices")
        spirals = spiral_tables(vertices, faces, settings)
        return MeshHierarchy(vertices, faces, down, up, spirals)
    except DataError as error:
        raise DataError(f"{path} is damaged: {error}") from None


def _rows(matrix: Any) -> Any:  # noqa: ANN401
    """Return a matrix by rows, its columns increasing, without zeros that are stored."""
    rows = sparse.csr_array(matrix)
    rows.sum_duplicates()
    rows.eliminate_zeros()
    return rows


def _adjacency(faces: NDArray[np.int64], size: int) -> Any:  # noqa: ANN401
    """Count for each pair of vertices the triangles that have their edge."""
    ends = faces[:, [0, 1, 2]].ravel(), faces[:, [1, 2, 0]].ravel()
    half = sparse.csc_matrix((np.ones(len(ends[0])), ends), shape=(size, size))
    return sparse.csc_matrix(half + half.T)
