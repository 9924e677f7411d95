"""The place on some triangles that is nearest to a point, as compiled code."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["closest_weights"]

_compiled = njit(nogil=True, cache=True, error_model="numpy")


@_compiled
def closest_weights(
    points: NDArray[np.float64],
    vertices: NDArray[np.float64],
    faces: NDArray[np.int64],
    candidates: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the nearest place among some triangles of each point.

    Args:
        points: Points ``(points, 3)``.
        vertices: Vertices ``(vertices, 3)``.
        faces: Triangles ``(faces, 3)``.
        candidates: Triangles to look at for each point ``(points, candidates)``.

    Returns:
        Corners of the triangle of each place ``(points, 3)`` and their weights ``(points, 3)``.
    """
    corners = np.empty((len(points), 3), dtype=np.int64)
    weights = np.zeros((len(points), 3))
    for index in range(len(points)):
        # stays where every candidate is a triangle without an inside
        corners[index] = faces[candidates[index, 0]]
        weights[index, 0] = 1.0
        nearest = np.inf
        for face in candidates[index]:
            triangle = faces[face]
            a, b, c = vertices[triangle[0]], vertices[triangle[1]], vertices[triangle[2]]
            found = _weights_of_triangle(points[index], a, b, c)
            offset = points[index] - found[0] * a - found[1] * b - found[2] * c
            square = _dot(offset, offset)
            if square < nearest:
                nearest = square
                corners[index] = triangle
                weights[index, 0], weights[index, 1], weights[index, 2] = found
    return corners, weights


@_compiled
def _dot(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    return first[0] * second[0] + first[1] * second[1] + first[2] * second[2]


@_compiled
def _weights_of_triangle(
    point: NDArray[np.float64],
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    c: NDArray[np.float64],
) -> tuple[float, float, float]:
    """Weights of three corners at the nearest place.

    Source: C. Ericson, Real-Time Collision Detection, section 5.1.5: the region of the plane that
    the point is over decides between a corner, an edge and the inside.
    """
    along, aside = b - a, c - a
    from_a, from_b, from_c = point - a, point - b, point - c
    d1, d2 = _dot(along, from_a), _dot(aside, from_a)
    if d1 <= 0 and d2 <= 0:
        return 1.0, 0.0, 0.0
    d3, d4 = _dot(along, from_b), _dot(aside, from_b)
    if d3 >= 0 and d4 <= d3:
        return 0.0, 1.0, 0.0
    over_c = d1 * d4 - d3 * d2
    if over_c <= 0 <= d1 and d3 <= 0:
        share = d1 / (d1 - d3)
        return 1.0 - share, share, 0.0
    d5, d6 = _dot(along, from_c), _dot(aside, from_c)
    if d6 >= 0 and d5 <= d6:
        return 0.0, 0.0, 1.0
    over_b = d5 * d2 - d1 * d6
    if over_b <= 0 <= d2 and d6 <= 0:
        share = d2 / (d2 - d6)
        return 1.0 - share, 0.0, share
    over_a = d3 * d6 - d5 * d4
    if over_a <= 0 and d4 >= d3 and d5 >= d6:
        share = (d4 - d3) / ((d4 - d3) + (d5 - d6))
        return 0.0, 1.0 - share, share
    total = over_a + over_b + over_c
    return over_a / total, over_b / total, over_c / total
