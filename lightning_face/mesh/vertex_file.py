"""Files of moving vertices, read from the disk as they are needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError

__all__ = ["count_frames", "open_array", "open_vertices", "read_vertices"]


def open_array(path: Path) -> NDArray[Any]:
    """Map a ``.npy`` file of numbers into memory.

    Args:
        path: The file.

    Raises:
        DataError: It is missing, empty, truncated, or holds no numbers.
    """
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing") from error
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        reason = "it is empty" if not path.stat().st_size else " ".join(str(error).split())
        raise DataError(f"{path} is no .npy file or is truncated: {reason}") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise DataError(f"{path} holds no array of numbers")
    return array


def count_frames(path: Path, num_vertices: int, stride: int = 1) -> int:
    """Check the shape of a file of vertices and count the frames taken from it.

    Args:
        path: ``.npy`` file ``(frames, vertices, 3)`` or ``(frames, 3 * vertices)``.
        num_vertices: Vertices of the neutral head.
        stride: Take every ``stride``-th frame.

    Raises:
        DataError: It is missing, empty, truncated, or has other vertices.
    """
    return -(-len(open_vertices(path, num_vertices)) // stride)


def read_vertices(path: Path, num_vertices: int, stride: int = 1) -> NDArray[np.float32]:
    """Read vertices.

    Args:
        path: ``.npy`` file ``(frames, vertices, 3)`` or ``(frames, 3 * vertices)``.
        num_vertices: Vertices of the neutral head.
        stride: Take every ``stride``-th frame, from the first.

    Returns:
        Positions ``(frames, vertices, 3)``.

    Raises:
        DataError: It is missing, empty, truncated, has other vertices or is not finite.
    """
    taken = open_vertices(path, num_vertices)[::stride]
    vertices = np.array(taken, dtype=np.float32)
    if not np.isfinite(vertices).all():
        frame = int(np.flatnonzero(~np.isfinite(vertices).all(axis=(1, 2)))[0]) * stride
        raise DataError(f"{path}: the vertices of frame {frame} are not finite")
    return vertices


def open_vertices(path: Path, num_vertices: int) -> NDArray[Any]:
    """Map a file of vertices into memory, as it is stored.

    Args:
        path: ``.npy`` file ``(frames, vertices, 3)`` or ``(frames, 3 * vertices)``.
        num_vertices: Vertices of the neutral head.

    Returns:
        Positions ``(frames, vertices, 3)`` of the type of the file.

    Raises:
        DataError: It is missing, empty, truncated, or has other vertices.
    """
    array = open_array(path)
    if array.shape[1:] not in ((num_vertices, 3), (num_vertices * 3,)):
        raise DataError(
            f"{path} has the shape {array.shape}, but the template has {num_vertices} vertices: "
            f"(frames, {num_vertices}, 3) or (frames, {num_vertices * 3}) is needed"
        )
    if not len(array):
        raise DataError(f"{path} has no frames")
    return array.reshape(len(array), num_vertices, 3)
