"""The 68 landmarks of a face: where they lie on its triangles, and how networks see them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from lightning_face.checkpoint.array_pickle import read_plain_pickle
from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.errors import DataError

__all__ = [
    "CONTOUR",
    "DYNAMIC_FILE",
    "INNER_LIPS",
    "MOUTH",
    "NUM_LANDMARKS",
    "STATIC_FILE",
    "LandmarkEmbedding",
    "normalize_landmarks",
    "read_published_embedding",
]

Array = TypeVar("Array", NDArray[np.floating[Any]], Tensor)

NUM_LANDMARKS = 68
CONTOUR = slice(0, 17)
"""Landmarks along the jaw, which lie elsewhere on a head that is turned."""
MOUTH = slice(48, 68)
"""Landmarks of the lips."""
INNER_LIPS = ((61, 67), (62, 66), (63, 65))
"""Landmarks of the upper inner lip, each with the one below it."""
STATIC_FILE = "flame_static_embedding.pkl"
DYNAMIC_FILE = "flame_dynamic_embedding.npy"

# Sum of the squares of centred landmarks below which they are one point.
_NO_EXTENT = 1e-24


@dataclass(frozen=True, eq=False)
class LandmarkEmbedding:
    """Places of landmarks on the triangles of a topology.

    Attributes:
        corners: Vertices of each landmark's triangle (landmarks, 3), int64.
        weights: Barycentric weights (landmarks, 3), float64.

    Raises:
        DataError: The arrays do not fit each other, or hold impossible values.
    """

    corners: NDArray[np.int64]
    weights: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Check the arrays."""
        corners, weights = np.asarray(self.corners), np.asarray(self.weights)
        if corners.shape != weights.shape or corners.ndim != 2 or corners.shape[1] != 3:
            raise DataError(
                "landmarks have corners (landmarks, 3) and as many weights, not "
                f"{corners.shape} and {weights.shape}"
            )
        if corners.dtype.kind not in "iu" or (corners.size and corners.min() < 0):
            raise DataError("corners of landmarks are numbers of vertices, counted from 0")
        if weights.dtype.kind != "f" or not np.isfinite(weights).all():
            raise DataError("weights of landmarks are finite numbers")
        object.__setattr__(self, "corners", corners.astype(np.int64))
        object.__setattr__(self, "weights", weights.astype(np.float64))

    def __len__(self) -> int:
        """Return the number of landmarks."""
        return len(self.corners)

    @classmethod
    def from_vertices(cls, vertices: ArrayLike) -> LandmarkEmbedding:
        """Place each landmark on a vertex.

        Args:
            vertices: Number of each landmark's vertex (landmarks,), counted from 0.
        """
        numbers = np.asarray(vertices)
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
            raise DataError("landmarks on vertices are a list of whole numbers, one a landmark")
        weights = np.zeros((len(numbers), 3))
        weights[:, 0] = 1.0
        return cls(np.repeat(numbers[:, None], 3, axis=1), weights)

    @classmethod
    def from_triangles(
        cls, triangles: ArrayLike, weights: ArrayLike, faces: NDArray[np.integer[Any]]
    ) -> LandmarkEmbedding:
        """Place each landmark on a triangle.

        Args:
            triangles: Number of each landmark's triangle (landmarks,), counted from 0.
            weights: Barycentric weights (landmarks, 3).
            faces: Triangles of the topology (triangles, 3).
        """
        numbers = np.asarray(triangles)
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
            raise DataError("landmarks lie on triangles given by a list of whole numbers")
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() < len(faces):
            raise DataError(
                f"a landmark lies on triangle {numbers.max()} of a mesh that has {len(faces)}: "
                "the landmarks belong to another topology"
            )
        return cls(np.asarray(faces)[numbers], np.asarray(weights))

    @classmethod
    def load(cls, path: Path | str) -> LandmarkEmbedding:
        """Read landmarks.

        Args:
            path: ``.npz`` written by :meth:`save`, or ``.json`` with a list of vertex numbers,
                one a landmark.

        Raises:
            DataError: The file is missing, damaged or holds something else.
        """
        path = Path(path)
        if not path.is_file():
            raise DataError(f"{path}: there is no such file of landmarks")
        try:
            if path.suffix.lower() == ".json":
                return cls.from_vertices(json.loads(path.read_text()))
            with np.load(path, allow_pickle=False) as file:
                return cls(file["corners"], file["weights"])
        except DataError as error:
            raise DataError(f"{path}: {error}") from None
        except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(
                f"{path} is damaged or no file of landmarks (.npz with corners and weights, or "
                f".json with a list of vertices): {error}"
            ) from error

    def save(self, path: Path | str) -> None:
        """Write the landmarks to a ``.npz`` file."""
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez(file, corners=self.corners, weights=self.weights)

    def check_topology(self, num_vertices: int) -> None:
        """Make sure that a mesh has the vertices that landmarks lie between.

        Args:
            num_vertices: Vertices of the mesh.

        Raises:
            DataError: It does not have them.
        """
        if len(self) and self.corners.max() >= num_vertices:
            raise DataError(
                f"a landmark lies at vertex {self.corners.max()} of a mesh that has "
                f"{num_vertices} vertices: the landmarks belong to another topology"
            )

    def landmarks_of(self, vertices: Array) -> Array:
        """Find the landmarks of faces.

        Args:
            vertices: Positions (..., vertices, 3).

        Returns:
            Positions (..., landmarks, 3) in the same unit and of the same type.

        Source:
            F. Nocentini et al., EmoVOCA, WACV 2025.
        """
        self.check_topology(vertices.shape[-2])
        if isinstance(vertices, Tensor):
            weights = torch.from_numpy(self.weights).to(vertices)
            corners = torch.from_numpy(self.corners).to(vertices.device)
            return (vertices[..., corners, :] * weights[..., None]).sum(dim=-2)
        found = vertices[..., self.corners, :] * self.weights[..., None].astype(vertices.dtype)
        return found.sum(axis=-2)


def read_published_embedding(
    folder: Path | str, faces: NDArray[np.integer[Any]], angle: int = 0
) -> LandmarkEmbedding:
    """Read the published landmarks: 17 along the contour of the face, then 51 within it.

    Args:
        folder: Folder with ``flame_static_embedding.pkl`` and ``flame_dynamic_embedding.npy``.
        faces: Triangles of the topology (triangles, 3).
        angle: Row of the contour's places, which depend on how far the head is turned; 0 faces
            the camera.

    Raises:
        DataError: A file is missing, damaged, or belongs to another topology.

    Source:
        T. Li et al., Learning a model of facial shape and expression from 4D scans, SIGGRAPH
        Asia 2017 (the embeddings of FLAME).
    """
    static, dynamic = Path(folder) / STATIC_FILE, Path(folder) / DYNAMIC_FILE
    inner = _embedding(static, read_plain_pickle(static), faces)
    rows = read_plain_pickle(dynamic)
    if isinstance(rows, Mapping):
        try:
            rows = {name: rows[name][angle] for name in ("lmk_face_idx", "lmk_b_coords")}
        except (KeyError, IndexError, TypeError) as error:
            raise DataError(f"{dynamic} has no places of landmarks for row {angle}") from error
    contour = _embedding(dynamic, rows, faces)
    return LandmarkEmbedding(
        np.concatenate([contour.corners, inner.corners]),
        np.concatenate([contour.weights, inner.weights]),
    )


def normalize_landmarks(landmarks: Array) -> Array:
    """Take position and size out of landmarks, each frame by itself.

    Args:
        landmarks: Positions (..., landmarks, 3).

    Returns:
        Positions of mean 0 whose squares sum to 1, of the same type.

    Raises:
        DataError: The landmarks of a frame lie in one point.
    """
    if isinstance(landmarks, Tensor):
        centred = landmarks - landmarks.mean(dim=-2, keepdim=True)
        squares = centred.square().sum(dim=(-2, -1), keepdim=True)
    else:
        centred = landmarks - landmarks.mean(axis=-2, keepdims=True)
        squares = np.square(centred).sum(axis=(-2, -1), keepdims=True)
    if (squares < _NO_EXTENT).any():
        raise DataError("the landmarks of a frame lie in one point")
    return centred / squares**0.5


def _embedding(path: Path, found: Any, faces: NDArray[np.integer[Any]]) -> LandmarkEmbedding:  # noqa: ANN401
    if not isinstance(found, Mapping) or not {"lmk_face_idx", "lmk_b_coords"} <= set(found):
        raise DataError(f"{path} holds no places of landmarks (lmk_face_idx and lmk_b_coords)")
    try:
        return LandmarkEmbedding.from_triangles(
            found["lmk_face_idx"], np.asarray(found["lmk_b_coords"], dtype=np.float64), faces
        )
    except (DataError, ValueError, TypeError) as error:
        raise DataError(f"{path}: {error}") from error
