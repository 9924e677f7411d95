"""Bringing meshes to where the network expects heads."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lightning_face.errors import DataError
from lightning_face.mesh import Mesh
from lightning_face.sample_heads.shape import draw_identity, neutral
from lightning_face.sample_heads.topology import HeadTopology
from lightning_face_scantalk.placement import (
    TRAINING_LANDMARKS,
    place_automatically,
    place_by_landmarks,
    place_by_unit,
    read_landmarks,
)

TURN = Rotation.from_euler("xyz", [10, 70, -20], degrees=True).as_matrix()


@pytest.fixture(scope="module")
def head():
    sphere = HeadTopology(8).sphere()
    return Mesh(neutral(sphere, draw_identity(np.random.default_rng(0))), sphere.faces)


@pytest.mark.parametrize(("factor", "unit"), [(1, "m"), (100, "cm"), (1000, "mm")])
def test_units_are_told_by_size_or_named(head, factor, unit):
    mesh = Mesh(head.vertices * factor, head.faces)
    for named in ("auto", unit):
        placement = place_by_unit(mesh, named, "head.ply")
        np.testing.assert_allclose(placement.apply(mesh.vertices), head.vertices, atol=1e-12)
        back = placement.inverse().apply(head.vertices)
        np.testing.assert_allclose(back, mesh.vertices, rtol=1e-9, atol=1e-12)


def test_a_head_of_no_known_size_is_refused_by_name(head):
    with pytest.raises(DataError, match=r"head\.ply is .* units large.*--align"):
        place_by_unit(Mesh(head.vertices * 17, head.faces), "auto", "head.ply")


@pytest.mark.parametrize("factor", [1.0, 1000.0, 17.0])
def test_a_turned_head_is_brought_back(head, factor):
    moved = Mesh(factor * (head.vertices @ TURN.T + (0.3, -0.1, 0.5)), head.faces)
    placed = place_automatically(moved, "auto", head).apply(moved.vertices)
    left = Rotation.align_vectors(head.vertices, placed - placed.mean(axis=0))[0].magnitude()
    assert np.degrees(left) < 12
    assert np.linalg.norm(placed.mean(axis=0) - head.vertices.mean(axis=0)) < 0.01


@pytest.mark.parametrize("factor", [1.0, 1000.0, 17.0])
def test_landmarks_bring_a_head_back_exactly(head, factor):
    moved = Mesh(factor * (head.vertices @ TURN.T + (0.3, -0.1, 0.5)), head.faces)
    names = {"nose": 3, "chin": 50, "left": 200, "right": 300}
    landmarks, goals = (
        {name: mesh.vertices[vertex] for name, vertex in names.items()} for mesh in (moved, head)
    )
    placement = place_by_landmarks(moved, "auto", landmarks, {**goals, "ear": np.zeros(3)})
    np.testing.assert_allclose(placement.apply(moved.vertices), head.vertices, atol=1e-9)


def test_named_landmarks_need_no_reference():
    places = np.stack(list(TRAINING_LANDMARKS.values()))
    points = np.random.default_rng(0).normal(size=(50, 3)) * (0.08, 0.1, 0.08)
    mesh = Mesh(1000 * np.concatenate([places, points]) @ TURN.T, np.zeros((0, 3), np.int64))
    landmarks = dict(zip(TRAINING_LANDMARKS, mesh.vertices, strict=False))
    placement = place_by_landmarks(mesh, "mm", landmarks, TRAINING_LANDMARKS)
    np.testing.assert_allclose(placement.apply(mesh.vertices)[8:], points, atol=1e-9)


def test_two_common_landmarks_are_too_few(head):
    some = {"a": np.zeros(3), "b": np.ones(3), "c": np.eye(3)[0]}
    with pytest.raises(DataError, match=r"2 names in common; three are needed"):
        place_by_landmarks(head, "auto", some, {"a": np.zeros(3), "b": np.ones(3)})


def test_landmarks_are_places_or_vertices(head, tmp_path):
    (tmp_path / "l.json").write_text(json.dumps({"nose": [0.1, 2, -3e-2], "chin": 7}))
    read = read_landmarks(tmp_path / "l.json", head)
    np.testing.assert_array_equal(read["nose"], (0.1, 2, -0.03))
    np.testing.assert_array_equal(read["chin"], head.vertices[7])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read as JSON"),
        ("{", "cannot be read as JSON"),
        ("[1, 2]", "no object of landmarks"),
        ('{"nose": [1, 2]}', "nose is neither"),
        ('{"nose": "tip"}', "nose is neither"),
        ('{"nose": 99999}', "nose is vertex 99999"),
        ('{"nose": [1, 2, NaN]}', "nose is neither"),
    ],
)
def test_wrong_landmark_files_are_named(head, tmp_path, content, message):
    if content is not None:
        (tmp_path / "l.json").write_text(content)
    with pytest.raises(DataError, match=rf"l\.json.*{message}"):
        read_landmarks(tmp_path / "l.json", head)
