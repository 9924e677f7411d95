"""Shapes and movements of the sample's heads."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.sample_heads.shape import (
    OPENING,
    draw_identity,
    lip_vertices,
    movement,
    neutral,
    upper_vertices,
)
from lightning_face.sample_heads.topology import HeadTopology

TOPOLOGIES = [HeadTopology(5), HeadTopology(8, eyeballs=True), HeadTopology(9, face_only=True)]


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_heads_have_the_size_of_heads_and_no_empty_faces(topology):
    mesh = topology.sphere()
    for seed in range(5):
        head = neutral(mesh, draw_identity(np.random.default_rng(seed)))
        size = np.ptp(head, axis=0)
        assert (size > 0.12).all()
        assert (size < 0.32).all()
        edges = np.diff(head[mesh.faces], axis=1)
        areas = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1) / 2
        assert areas.min() > 1e-8


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_mouth_is_closed_at_rest_and_opens_between_the_lips(topology):
    mesh = topology.sphere()
    head, way = neutral(mesh, draw_identity(np.random.default_rng(0))), movement(mesh)
    upper, lower = np.flatnonzero(mesh.side == 1), np.flatnonzero(mesh.side == -1)
    partner = [lower[np.linalg.norm(head[lower] - head[v], axis=1).argmin()] for v in upper]
    np.testing.assert_allclose(head[partner], head[upper], atol=1e-12)
    assert (way[upper, 1] > way[partner, 1]).all()
    assert 0.9 * OPENING < -way[:, 1].min() <= OPENING
    assert np.abs(way[mesh.eyeball != 0]).sum() == 0


def test_movement_is_small_where_the_mask_of_the_upper_face_is():
    mesh = TOPOLOGIES[1].sphere()
    way = np.linalg.norm(movement(mesh), axis=1)
    assert way[upper_vertices(mesh)].max() < 0.1 * way[lip_vertices(mesh)].max()


def test_another_net_shows_the_same_person():
    person = draw_identity(np.random.default_rng(3))
    coarse, fine = (neutral(HeadTopology(f).sphere(), person) for f in (8, 16))
    nearest = np.linalg.norm(coarse[:, None] - fine, axis=-1).min(axis=1)
    assert nearest.max() < 0.02
    assert nearest.mean() < 0.005
