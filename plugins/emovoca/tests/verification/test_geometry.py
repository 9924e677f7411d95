"""Edges and triangles of frames against those at rest."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face_emovoca.verification.geometry import SurfaceCheck, unique_edges

SQUARE = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
FACES = np.array([[0, 1, 2], [0, 2, 3]])


def test_edges_are_listed_once():
    assert unique_edges(FACES).tolist() == [[0, 1], [0, 2], [0, 3], [1, 2], [2, 3]]


def test_a_surface_that_is_moved_as_a_whole_is_kept():
    surface = SurfaceCheck(SQUARE, FACES, 0.3, 3.0)
    moved = np.full((4, 3), 0.7, dtype=np.float32)
    assert surface.edges_kept(moved) == 1
    assert surface.flipped(moved) == 0


def test_edges_that_stretch_and_triangles_that_turn_over():
    surface = SurfaceCheck(SQUARE, FACES, 0.3, 3.0)
    pulled = np.zeros((4, 3), dtype=np.float32)
    pulled[3] = (5, -5, 0)
    # both edges of the vertex are longer by far, and its triangle looks the other way
    assert surface.edges_kept(pulled) == pytest.approx(3 / 5)
    assert surface.flipped(pulled) == pytest.approx(1 / 2)


def test_edges_without_a_length_are_left_out():
    flat = SQUARE.copy()
    flat[3] = flat[0]
    surface = SurfaceCheck(flat, FACES, 0.3, 3.0)
    assert surface.edges_kept(np.zeros((4, 3), dtype=np.float32)) == 1
