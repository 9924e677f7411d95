"""Nets of the sample's heads."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.sample_heads.topology import (
    MOUTH_HALF_WIDTH,
    MOUTH_HEIGHT,
    HeadTopology,
    geodesic_sphere,
)


def edge_uses(faces: np.ndarray) -> np.ndarray:
    edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    return np.unique(edges, axis=0, return_counts=True)[1]


@pytest.mark.parametrize("frequency", [1, 2, 5])
def test_geodesic_sphere_is_closed_and_looks_outward(frequency):
    points, faces = geodesic_sphere(frequency)
    assert points.shape == (10 * frequency**2 + 2, 3)
    assert faces.shape == (20 * frequency**2, 3)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1)
    assert set(edge_uses(faces)) == {2}
    corners = points[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (np.einsum("fi,fi->f", normals, corners.mean(axis=1)) > 0).all()


@pytest.mark.parametrize("frequency", [4, 5, 8, 10])
def test_lips_are_cut_apart_and_nothing_else(frequency):
    mesh = HeadTopology(frequency).sphere()
    upper, lower = mesh.side == 1, mesh.side == -1
    assert upper.sum() == lower.sum() > 0
    np.testing.assert_array_equal(
        np.sort(mesh.directions[upper], axis=0), np.sort(mesh.directions[lower], axis=0)
    )
    np.testing.assert_allclose(mesh.directions[upper, 1], MOUTH_HEIGHT)
    assert np.abs(mesh.directions[upper, 0]).max() < MOUTH_HALF_WIDTH
    # one loop of open edges: two sides of the slit between two corners
    assert (edge_uses(mesh.faces) == 1).sum() == 2 * (upper.sum() + 1)
    assert len(np.unique(mesh.faces)) == len(mesh.directions)


def test_faces_touch_one_lip_only():
    mesh = HeadTopology(8).sphere()
    height = mesh.directions[mesh.faces, 1].mean(axis=1) - MOUTH_HEIGHT
    touching = mesh.side[mesh.faces].sum(axis=1)
    assert (np.sign(height[touching != 0]) == np.sign(touching[touching != 0])).all()


def test_eyeballs_are_components_and_a_face_has_an_edge():
    plain, eyes = HeadTopology(5).sphere(), HeadTopology(5, eyeballs=True).sphere()
    assert {int(which) for which in np.unique(eyes.eyeball)} == {-1, 0, 1}
    assert len(eyes.directions) - len(plain.directions) == 2 * 92
    face = HeadTopology(6, face_only=True).sphere()
    assert len(face.directions) < len(HeadTopology(6).sphere().directions)
    assert face.directions[:, 2].min() > -0.8


def test_focus_puts_more_vertices_around_the_mouth():
    counts = []
    for focus in (0.0, 0.5, 0.8):
        x, y, z = HeadTopology(7, focus=focus).sphere().directions.T
        near = (z > 0) & (np.hypot(x, y - MOUTH_HEIGHT) < 0.4)
        counts.append(int(near.sum()))
    assert counts[0] < counts[1] < counts[2]


def test_eyeballs_may_be_coarser():
    mesh = HeadTopology(5, eyeballs=True, eyeball_frequency=1).sphere()
    assert (mesh.eyeball != 0).sum() == 2 * 12
