"""Heads are brought onto others, and back."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lightning_face.errors import DataError
from lightning_face.mesh import (
    SimilarityTransform,
    align_landmarks,
    align_to_reference,
    length_unit,
    read_mesh,
)
from lightning_face.testing.research_data import research_file

TURNS = {
    "as it is": np.eye(3),
    "z is up": Rotation.from_euler("x", 90, degrees=True).as_matrix(),
    "upside down": Rotation.from_euler("z", 180, degrees=True).as_matrix(),
    "any": Rotation.from_euler("xyz", [50, 130, -70], degrees=True).as_matrix(),
}


def head(count=2000, seed=0):
    """An egg with a nose and a chin, which no turn brings onto itself."""
    points = np.random.default_rng(seed).normal(size=(count, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    x, y, z = points.T
    nose = np.exp(-((x / 0.15) ** 2) - ((y + 0.05) / 0.2) ** 2) * (z > 0)
    chin = np.exp(-((x / 0.3) ** 2) - ((y + 0.75) / 0.25) ** 2) * (z > 0)
    points = points * [0.078, 0.115, 0.095]
    points[:, 2] += 0.03 * nose + 0.02 * chin
    points[:, 0] *= 1 - 0.18 * np.maximum(-y, 0) ** 2
    return points


def distance(first, second):
    return np.linalg.norm(first - second, axis=-1).mean()


def test_a_transform_is_undone_by_its_inverse():
    transform = SimilarityTransform(TURNS["any"], np.array([1.0, -2, 3]), 0.001)
    points = head(50)
    np.testing.assert_allclose(transform.inverse().apply(transform.apply(points)), points)
    assert transform.inverse().scale == pytest.approx(1000)
    assert SimilarityTransform(TURNS["upside down"], np.zeros(3)).angle == pytest.approx(180)


@pytest.mark.parametrize("scaling", [True, False])
def test_landmarks_give_the_transform_between_them(scaling):
    expected = SimilarityTransform(TURNS["any"], np.array([1.0, -2, 3]), 0.4 if scaling else 1.0)
    source = head(7)
    found = align_landmarks(source, expected.apply(source), scaling)
    np.testing.assert_allclose(found.rotation, expected.rotation, atol=1e-12)
    np.testing.assert_allclose(found.translation, expected.translation, atol=1e-12)
    assert found.scale == pytest.approx(expected.scale)


def test_landmarks_in_a_plane_are_not_mirrored():
    source = head(5) * (1, 1, 0)
    found = align_landmarks(source, source * (-1, 1, 1))
    assert np.linalg.det(found.rotation) == pytest.approx(1)


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (head(4), head(5), "do not correspond"),
        (head(2), head(2), "do not correspond"),
        (head(4) * np.nan, head(4), "not finite"),
        (np.outer(np.arange(4.0), [1, 2, 3]), head(4), "source landmarks lie on one line"),
        (head(4), np.zeros((4, 3)), "target landmarks lie on one line"),
    ],
)
def test_landmarks_that_say_too_little_are_refused(source, target, message):
    with pytest.raises(DataError, match=message):
        align_landmarks(source, target)


@pytest.mark.parametrize("turn", TURNS)
def test_a_head_is_found_wherever_it_is(turn):
    reference, other = head(), head(1500, seed=1)
    moved = SimilarityTransform(TURNS[turn], np.array([400.0, -30, 7]), 1000).apply(other)
    transform, error = align_to_reference(moved, reference)
    assert distance(transform.apply(moved), other) < 3e-3
    assert transform.scale == 0.001
    assert error < 5e-3


def test_the_size_is_found_where_it_may_change():
    reference, other = head(), head(1500, seed=1)
    moved = SimilarityTransform(TURNS["z is up"], np.ones(3), 37.0).apply(other)
    transform, _ = align_to_reference(moved, reference, scaling=True)
    assert distance(transform.apply(moved), other) < 3e-3
    assert transform.scale == pytest.approx(1 / 37, rel=0.02)


def test_shoulders_do_not_pull_a_head_away():
    other = head(1500, seed=1)
    shoulders = np.random.default_rng(0).uniform([-0.2, -0.2, -0.1], [0.2, -0.16, 0.1], (700, 3))
    moved = np.concatenate([other, shoulders]) + np.array([0, 0.05, 0.02])
    transform, _ = align_to_reference(moved, head())
    assert distance(transform.apply(moved[:1500]), other) < 3e-3


@pytest.mark.parametrize(
    ("vertices", "message"),
    [
        (head(9), "the head has 9 vertices"),
        (np.full((20, 3), np.nan), "finite"),
        (np.zeros((20, 3)), "different places"),
        (head() * 37, "7.* units across, .*allow scaling|units across"),
    ],
)
def test_heads_that_cannot_be_aligned_are_refused(vertices, message):
    with pytest.raises(DataError, match=message):
        align_to_reference(vertices, head())


@pytest.mark.parametrize(
    ("scale", "unit"), [(1, "m"), (100, "cm"), (1000, "mm"), (1e-3, None), (1e4, None)]
)
def test_the_unit_of_a_head(scale, unit):
    assert length_unit(head() * scale) == unit


@pytest.mark.parametrize("name", ["vocaset/templates/FaceTalk_170809_00138_TA.ply"])
def test_a_real_head(name):
    path, other = (
        research_file(f"heads/{each}")
        for each in (name, "vocaset/templates/FaceTalk_170725_00137_TA.ply")
    )
    if path is None or other is None:
        pytest.skip(f"heads/{name} of the research data is not here")
    vertices = read_mesh(path).vertices
    moved = SimilarityTransform(TURNS["any"], np.ones(3), 1000).apply(vertices)
    transform, _ = align_to_reference(moved, read_mesh(other).vertices)
    assert distance(transform.apply(moved), vertices) < 4e-3
