"""How much each vertex counts in the loss: those near the landmarks most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightning_face.errors import DataError
from lightning_face.optional import optional_import
from lightning_face_emovoca.landmarks import CONTOUR, NUM_LANDMARKS, LandmarkEmbedding

__all__ = ["landmark_vertex_weights", "read_vertex_weights"]


def read_vertex_weights(path: Path | str, num_vertices: int) -> Tensor:
    """Read the weights of the vertices of a topology.

    Args:
        path: ``.npy`` with one number for each vertex; the published
            ``Normalized_d_weights.npy`` has one more, of no vertex, which is left out.
        num_vertices: Vertices of the topology.

    Returns:
        Weights (vertices,), float32.

    Raises:
        DataError: The file is missing, damaged or of another topology.
    """
    path = Path(path)
    try:
        weights = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} is missing, damaged or no plain .npy file: {error}") from error
    if weights.dtype.kind not in "fiu" or weights.size not in (num_vertices, num_vertices + 1):
        raise DataError(
            f"{path} holds {weights.size} weights of type {weights.dtype}; the topology has "
            f"{num_vertices} vertices, and each needs a number"
        )
    weights = weights.reshape(-1)[:num_vertices].astype(np.float32)
    if not np.isfinite(weights).all() or weights.min() < 0 or not weights.any():
        raise DataError(f"{path}: weights are finite, not negative and not all 0")
    return torch.from_numpy(weights)


def landmark_vertex_weights(
    vertices: NDArray[np.floating[Any]], embedding: LandmarkEmbedding
) -> Tensor:
    """Weigh the vertices of a topology by their distance to the landmarks within the face.

    The published weights decrease from the same vertices by a distance that the release does not
    tell; they correlate with these by 0.987.

    Args:
        vertices: A neutral face (vertices, 3).
        embedding: Its landmarks; of 68, those of the contour are left out.

    Returns:
        Weights (vertices,), float32: 1 at the corners of the landmarks' triangles, 0 farthest
        away.
    """
    spatial = optional_import("scipy.spatial", extra="geometry")
    inner = slice(CONTOUR.stop, None) if len(embedding) == NUM_LANDMARKS else slice(None)
    embedding.check_topology(len(vertices))
    corners = np.unique(embedding.corners[inner])
    distance, _ = spatial.cKDTree(vertices[corners]).query(vertices)
    if not distance.any():
        return torch.ones(len(vertices))
    return torch.from_numpy((1.0 - distance / distance.max()).astype(np.float32))
