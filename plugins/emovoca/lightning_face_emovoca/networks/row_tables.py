"""Which rows of a level's features each row of the next is made of.

Every level has a row for each vertex and a last one for the dummy vertex. In the published
double-encoder network level 0 has no dummy row: of its spirals the last row is missing, of its
down-sampling the first column, of its up-sampling the first row. Both are pooled and sampled up
by their neighbour in number for that, and trained weights expect it (``level0_shift``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["pooled_rows", "spiral_rows", "upsampled_rows"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def spiral_rows(spirals: NDArray[np.integer], shifted: bool) -> Ints:
    """Name the rows along each spiral; -1 becomes the last row.

    Args:
        spirals: Spirals of a level ``(vertices + 1, length)``.
        shifted: Whether the level has no dummy row.

    Returns:
        Rows ``(rows, length)``.
    """
    rows = spirals[:-1] if shifted else spirals
    return np.where(rows < 0, len(rows) - 1, rows).astype(np.int64)


def pooled_rows(kept: NDArray[np.integer], num_fine: int, shifted: bool) -> Ints:
    """Name the fine row that each coarse row is.

    Args:
        kept: Fine vertex that each coarse vertex is ``(coarse vertices,)``.
        num_fine: Fine vertices.
        shifted: Whether the fine level has no dummy row.

    Returns:
        Rows ``(coarse vertices + 1,)``; -1 for a coarse row that gets nothing.
    """
    return np.append(kept, num_fine).astype(np.int64) - int(shifted)


def upsampled_rows(
    indices: NDArray[np.integer], weights: NDArray[np.floating], num_coarse: int, shifted: bool
) -> tuple[Ints, Floats]:
    """Name the coarse rows that each fine row is a sum of, and their weights.

    Args:
        indices: Coarse vertices of each fine vertex ``(fine vertices, 3)``.
        weights: Their weights ``(fine vertices, 3)``.
        num_coarse: Coarse vertices.
        shifted: Whether the fine level has no dummy row.

    Returns:
        Rows and weights ``(fine rows, 3)``.
    """
    rows = np.concatenate([indices, np.full((1, 3), num_coarse)]).astype(np.int64)
    sums = np.concatenate([weights, [[1.0, 0.0, 0.0]]]).astype(np.float64)
    return rows[int(shifted) :], sums[int(shifted) :]
