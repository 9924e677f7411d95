"""Parts of a head that follow the largest one."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from lightning_face.mesh import Mesh
from lightning_face_scantalk.carried_parts import carry_parts


def ball(centre, radius, subdivisions):
    sphere = trimesh.creation.icosphere(subdivisions, radius)
    return np.asarray(sphere.vertices) + centre, np.asarray(sphere.faces)


@pytest.fixture
def head():
    """A skull, an eyeball inside it, and a vertex that no face uses."""
    skull, skull_faces = ball((0, 0, 0), 0.1, 3)
    eye, eye_faces = ball((0.03, 0.02, 0.08), 0.012, 2)
    vertices = np.concatenate([eye, skull, [(0, 0.2, 0)]])
    return Mesh(vertices, np.concatenate([eye_faces, skull_faces + len(eye)]))


def test_the_largest_part_is_a_mesh_of_its_own(head):
    parts = carry_parts(head)
    assert len(parts.surface.vertices) == 642
    np.testing.assert_array_equal(parts.surface.vertices, head.vertices[parts.vertices])
    corners = parts.surface.vertices[parts.surface.faces]
    np.testing.assert_array_equal(corners, head.vertices[head.faces[320:]])


def test_a_head_of_one_part_carries_nothing():
    assert carry_parts(Mesh(*ball((0, 0, 0), 0.1, 2))) is None
    assert carry_parts(Mesh(np.eye(3), np.zeros((0, 3), np.int64))) is None


def test_a_head_at_rest_stays_as_it_is(head):
    parts = carry_parts(head)
    whole = parts.complete(parts.surface.vertices[None])
    np.testing.assert_allclose(whole[0], head.vertices, atol=1e-7)


def test_a_rigid_movement_takes_all_parts_along(head):
    parts = carry_parts(head)
    angle = 0.2
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    shift = (0.01, 0.02, -0.03)
    whole = parts.complete(np.stack([head.vertices[parts.vertices] @ turn.T + shift]))
    np.testing.assert_allclose(
        whole[0, parts.vertices], head.vertices[parts.vertices] @ turn.T + shift, atol=1e-7
    )
    # the last vertex is far from the skull
    np.testing.assert_allclose(whole[0, :-1], head.vertices[:-1] @ turn.T + shift, atol=5e-3)


def test_an_eyeball_stays_a_ball_while_the_skin_near_it_is_stretched(head):
    parts = carry_parts(head)
    stretched = parts.surface.vertices * (1.2, 1.0, 0.9)
    whole = parts.complete(stretched[None].repeat(3, axis=0))
    eye, still = whole[1, :162].astype(float), head.vertices[:162]
    between = np.linalg.norm(eye[:, None] - eye[None], axis=2)
    np.testing.assert_allclose(
        between, np.linalg.norm(still[:, None] - still[None], axis=2), atol=1e-6
    )
    assert np.linalg.norm((eye - still).mean(axis=0)) > 0.004
