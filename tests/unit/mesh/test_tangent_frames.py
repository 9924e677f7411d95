"""Normals and tangent axes, also where a surface has none."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.mesh.tangent_frames import (
    cloud_normals,
    nearest_neighbours,
    tangent_frames,
    vertex_normals,
)

SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0.0]])
FACES = np.array([[0, 1, 2], [0, 2, 3]])


def test_normals_of_a_square():
    np.testing.assert_allclose(vertex_normals(SQUARE, FACES), np.tile([0, 0, 1.0], (4, 1)))


def test_small_faces_weigh_less():
    """Two faces meet at an edge; with a large epsilon the larger one has the say."""
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, -0.1]])
    faces = np.array([[0, 1, 2], [0, 1, 3]])
    alike = vertex_normals(vertices, faces, 1e-12)[0]
    np.testing.assert_allclose(alike, [0, 0.5**0.5, 0.5**0.5], atol=1e-6)
    assert vertex_normals(vertices, faces, 1.0)[0, 2] > 0.9


def test_a_vertex_without_faces_has_a_fixed_unit_normal():
    vertices = np.concatenate([SQUARE, [[5, 5, 5.0]]])
    normals = vertex_normals(vertices, FACES)
    drawn = np.random.RandomState(777).rand(5, 3)[4] - 0.5
    np.testing.assert_allclose(normals[4], drawn / np.linalg.norm(drawn))
    np.testing.assert_allclose(normals[:4], np.tile([0, 0, 1.0], (4, 1)))


def test_a_fold_takes_the_normal_of_its_first_face():
    """Vertex 0 lies between two faces that are on each other, up to rounding."""
    nudge = 1e-17
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1 + 1e-12, nudge, 0]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    np.testing.assert_allclose(vertex_normals(vertices, faces)[0], [0, 0, 1])


@pytest.mark.parametrize("normal", [[0, 0, 1.0], [1, 0, 0], [-1, 0, 0], [0.6, 0, 0.8]])
def test_frames_are_orthonormal_and_right_handed(normal):
    frame = tangent_frames(np.array([normal]))[0]
    np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=4e-6)
    assert np.linalg.det(frame) == pytest.approx(1, abs=4e-6)


def test_the_first_axis_is_along_x_where_it_can_be():
    frames = tangent_frames(np.array([[0, 0, 1.0], [1, 0, 0]]))
    np.testing.assert_allclose(frames[:, 0], [[1, 0, 0], [0, 1, 0]], atol=2e-6)


def test_neighbours_leave_out_the_point_itself_even_among_duplicates():
    points = np.repeat(np.random.default_rng(0).normal(size=(5, 3)), 6, axis=0)
    found = nearest_neighbours(points, 4)
    assert not (found == np.arange(30)[:, None]).any()
    np.testing.assert_array_equal(found // 6, np.arange(30)[:, None] // 6 + np.zeros((1, 4), int))


def test_normals_of_a_flat_cloud():
    points = np.random.default_rng(0).normal(size=(50, 3)) * (1, 1, 0)
    normals = cloud_normals(points, nearest_neighbours(points, 10))
    np.testing.assert_allclose(np.abs(normals), np.tile([0, 0, 1.0], (50, 1)), atol=1e-12)
