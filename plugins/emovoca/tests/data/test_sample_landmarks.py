"""Landmarks of the sample's heads."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.sample_heads.shape import OPENING, draw_identity, movement, neutral
from lightning_face.sample_heads.topology import HeadTopology
from lightning_face_emovoca.data.sample import TOPOLOGY
from lightning_face_emovoca.data.sample_landmarks import landmark_places
from lightning_face_emovoca.landmarks import INNER_LIPS, LandmarkEmbedding

MESHES = [
    TOPOLOGY.sphere(),
    HeadTopology(5, eyeballs=True, focus=0.8, eyeball_frequency=1).sphere(),
]


@pytest.mark.parametrize("mesh", MESHES)
def test_landmarks_lie_where_their_numbers_say(mesh):
    triangles, weights = landmark_places(mesh)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    head = neutral(mesh, draw_identity(np.random.default_rng(0)))
    x, y, z = LandmarkEmbedding.from_triangles(triangles, weights, mesh.faces).landmarks_of(head).T
    assert y[17:27].min() > y[36:48].max() > y[30] > y[31:36].max() > y[48:68].max() > y[8]
    # from the subject's right, which is at -x, to the left
    for row in (slice(0, 17), slice(17, 27), slice(31, 36), slice(48, 55), slice(60, 65)):
        assert (np.diff(x[row]) > 0).all()
    assert z[30] > z[[0, 16]].max()


@pytest.mark.parametrize("mesh", MESHES)
def test_inner_lips_part_when_the_mouth_opens(mesh):
    embedding = LandmarkEmbedding.from_triangles(*landmark_places(mesh), mesh.faces)
    head = neutral(mesh, draw_identity(np.random.default_rng(0)))
    upper, lower = map(list, zip(*INNER_LIPS, strict=True))
    for opening, (least, most) in ((0, (-1e-9, 1e-3)), (OPENING, (0.4 * OPENING, 1.3 * OPENING))):
        points = embedding.landmarks_of(head + movement(mesh, opening))
        gap = points[upper, 1] - points[lower, 1]
        assert (gap >= least).all()
        assert (gap <= most).all()
