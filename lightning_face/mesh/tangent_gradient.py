"""Gradients of functions on vertices, in the tangent plane of each vertex."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["mean_squared_edge", "tangent_gradient"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def tangent_gradient(
    vertices: Floats, frames: Floats, rows: Integers, columns: Integers, regularization: float
) -> tuple[Integers, Integers, Floats, Floats]:
    """Fit a linear function to the differences along the edges of each vertex.

    The 2 x 2 least-squares system of a vertex is solved in closed form.

    Args:
        vertices: Positions ``(vertices, 3)``, in metres.
        frames: Axes X, Y and normal of each vertex ``(vertices, 3, 3)``.
        rows: Vertex at which each directed edge ``(edges,)`` begins, ascending.
        columns: Vertex at which it ends, ascending within a row, never the same.
        regularization: Added to the diagonal of each system, in square metres.

    Returns:
        CSR arrays ``indptr`` ``(vertices + 1,)`` and ``indices``, and the values of the
        derivatives along X and along Y, in 1/m. Every row has a diagonal entry.

    Source:
        Sharp et al., "DiffusionNet", 2022, section 3.4.
    """
    offsets = vertices[columns] - vertices[rows]
    x, y = np.einsum("eac,ec->ae", frames[rows, :2], offsets)
    count = len(vertices)
    a = np.bincount(rows, x * x, minlength=count) + regularization
    b = np.bincount(rows, x * y, minlength=count)
    c = np.bincount(rows, y * y, minlength=count) + regularization
    determinant = a * c - b * b
    along_x = (c[rows] * x - b[rows] * y) / determinant[rows]
    along_y = (a[rows] * y - b[rows] * x) / determinant[rows]

    before = np.bincount(rows[columns < rows], minlength=count)
    indptr = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=count) + 1, out=indptr[1:])
    diagonal = indptr[:-1] + before
    indices = np.empty(len(rows) + count, dtype=np.int64)
    off_diagonal = np.ones(len(indices), dtype=bool)
    off_diagonal[diagonal] = False
    indices[diagonal], indices[off_diagonal] = np.arange(count), columns
    values = []
    for along in (along_x, along_y):
        value = np.empty(len(indices))
        value[off_diagonal] = along
        value[diagonal] = -np.bincount(rows, along, minlength=count)
        values.append(value)
    return indptr, indices, values[0], values[1]


def mean_squared_edge(vertices: Floats, rows: Integers, columns: Integers) -> float:
    """Average the squared lengths of directed edges, in the squared unit of the positions."""
    return float(((vertices[columns] - vertices[rows]) ** 2).sum(axis=1).mean())
