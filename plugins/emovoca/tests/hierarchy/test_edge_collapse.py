from __future__ import annotations

import numpy as np
import pytest

from lightning_face_emovoca.hierarchy.edge_collapse import collapse_edges


def areas(vertices, faces):
    corners = vertices[faces]
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2


@pytest.fixture
def square(sheet):
    """A plane without the teeth that a lattice has on its sides, and its triangles."""
    mesh = sheet(9, 9)
    flat = mesh.vertices * [1, 1, 0]
    flat[:, 0] = np.tile(np.arange(9), 9) * 0.01
    return flat, mesh.faces


def test_a_plane_keeps_its_outline(square):
    flat, triangles = square
    kept, faces = collapse_edges(flat, triangles, 4)
    assert kept.tolist() == [0, 8, 72, 80]
    assert areas(flat[kept], faces)[:, 2].sum() == pytest.approx(areas(flat, triangles)[:, 2].sum())


def test_a_peak_is_kept(square):
    vertices, triangles = square
    vertices[40, 2] += 0.03
    kept, _ = collapse_edges(vertices, triangles, 9)
    assert 40 in kept


def test_triangles_do_not_turn_over(sheet):
    mesh = sheet(11, 11)
    kept, faces = collapse_edges(mesh.vertices, mesh.faces, 20)
    assert len(kept) == 20
    assert (areas(mesh.vertices[kept], faces)[:, 2] > 0).all()


def test_a_closed_surface_ends_as_a_tetrahedron(head):
    ball = head.faces[(head.faces >= 196).all(axis=1)]
    kept, faces = collapse_edges(head.vertices, ball, 1)
    assert len(kept) == 4
    assert len(faces) == 4


def test_nothing_happens_to_a_mesh_that_is_small_enough(sheet):
    mesh = sheet(4, 4)
    kept, faces = collapse_edges(mesh.vertices, mesh.faces, 16)
    assert kept.tolist() == list(range(16))
    assert np.array_equal(faces, mesh.faces)
