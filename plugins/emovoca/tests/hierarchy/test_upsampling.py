from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face_emovoca.hierarchy.upsampling import closest_triangle_weights

# two triangles that share an edge, and one above them that is another part
VERTICES = np.array(
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1], [0, 1, 1]], dtype=float
)
FACES = np.array([[0, 1, 2], [1, 3, 2], [4, 5, 6]])
PARTS = np.array([0, 0, 0, 0, 1, 1, 1])


def closest(point, part):
    points = np.array([point], dtype=float)
    indices, weights = closest_triangle_weights(points, np.array([part]), VERTICES, FACES, PARTS)
    return (weights[0][:, None] * VERTICES[indices[0]]).sum(axis=0), weights[0]


@pytest.mark.parametrize(
    ("point", "place"),
    [
        ((0.25, 0.25, 0.1), (0.25, 0.25, 0)),
        ((0.75, 0.75, -0.3), (0.75, 0.75, 0)),
        ((2, 0.5, 0), (1, 0.5, 0)),
        ((-1, -1, 0), (0, 0, 0)),
        ((1, 1, 0), (1, 1, 0)),
    ],
)
def test_weights_are_those_of_the_closest_place(point, place):
    found, weights = closest(point, 0)
    assert found == pytest.approx(place, abs=1e-12)
    assert weights.sum() == pytest.approx(1)
    assert weights.min() >= 0


def test_points_stay_on_their_own_part():
    assert closest((0.2, 0.2, 0.9), 0)[0] == pytest.approx([0.2, 0.2, 0])
    assert closest((0.2, 0.2, 0.1), 1)[0] == pytest.approx([0.2, 0.2, 1])


def test_points_of_a_part_that_is_gone_take_any():
    assert closest((0.2, 0.2, 0.9), 5)[0] == pytest.approx([0.2, 0.2, 1])


def test_triangles_without_area_are_passed_over():
    line = np.array([[0, 1, 1], [0, 1, 2], [1, 3, 2]])
    points = np.array([[0.5, -0.2, 0], [0.25, 0.25, 1]])
    indices, weights = closest_triangle_weights(
        points, np.zeros(2, int), VERTICES[:4], line, PARTS[:4]
    )
    found = (weights[..., None] * VERTICES[indices]).sum(axis=1)
    assert found == pytest.approx(np.array([[0.5, 0, 0], [0.25, 0.25, 0]]))
    assert np.isfinite(weights).all()


def test_a_level_without_area_is_refused():
    with pytest.raises(DataError, match="degenerate"):
        closest_triangle_weights(
            VERTICES[:1], np.zeros(1, int), VERTICES, np.array([[0, 1, 1]]), PARTS
        )
