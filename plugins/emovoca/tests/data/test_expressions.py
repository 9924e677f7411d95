"""Expressions of a person."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.mesh import Mesh, read_mesh, write_mesh
from lightning_face.testing.research_data import research_file
from lightning_face_emovoca.data.emotions import EMOTIONS, NEUTRAL, find_emotion
from lightning_face_emovoca.data.expressions import ExpressiveIdentity
from lightning_face_emovoca.data.layout import EmoVOCALayout

HAPPY = find_emotion("happy")
REAL = research_file("emovoca/COMA_CH01.npz")


@pytest.fixture
def layout(root) -> EmoVOCALayout:
    return EmoVOCALayout(root)


def identity(layout, neutral="file") -> ExpressiveIdentity:
    faces = read_mesh(layout.template_folder / "FLAME_sample.ply").faces
    return ExpressiveIdentity(layout, "COMA_CH01", faces, neutral)


def test_frames_and_displacements(layout):
    person = identity(layout)
    assert person.frames(HAPPY) == [10, 20, 30]
    still = read_mesh(layout.neutral("COMA_CH01")).vertices
    for frame in person.frames(HAPPY):
        moved = read_mesh(person.path(HAPPY, frame)).vertices
        np.testing.assert_array_equal(person.displacement(HAPPY, frame), moved - still)
    np.testing.assert_array_equal(person.displacement(HAPPY), person.displacement(HAPPY, 30))


def test_neutral_expression_needs_no_file_and_moves_nothing(layout):
    person = identity(layout)
    assert person.frames(NEUTRAL) == [30]
    assert not person.displacement(NEUTRAL).any()


def test_neutral_mesh_can_be_the_mean_of_the_expressions(layout):
    layout.neutral("COMA_CH01").unlink()
    person = identity(layout, "mean")
    apexes = [read_mesh(person.path(emotion)).vertices for emotion in EMOTIONS[2:5]]
    np.testing.assert_allclose(person.neutral, np.mean(apexes, axis=0), atol=1e-12)
    total = sum(person.displacement(emotion) for emotion in EMOTIONS[2:5])
    np.testing.assert_allclose(total, 0, atol=1e-12)


def test_missing_meshes_are_named_with_where_to_get_them(layout):
    person = identity(layout)
    person.path(HAPPY).unlink()
    for look in (person.frames, person.displacement):
        with pytest.raises(DataError, match=r"COMA_CH01/Smile2_30\.ply.*missing; get .*Florence"):
            look(HAPPY)
    layout.neutral("COMA_CH01").unlink()
    with pytest.raises(DataError, match=r"COMA_CH01\.ply, the neutral mesh .*expression_neutral"):
        _ = identity(layout).neutral
    for emotion in EMOTIONS[2:5]:
        person.path(emotion).unlink(missing_ok=True)
    with pytest.raises(DataError, match=r"COMA_CH01 has no expression to take the mean of"):
        _ = identity(layout, "mean").neutral


def test_meshes_of_another_topology_and_damaged_ones_are_named(layout):
    person = identity(layout)
    path = person.path(HAPPY)
    mesh = read_mesh(path)
    write_mesh(path, Mesh(mesh.vertices, mesh.faces[1:]))
    with pytest.raises(DataError, match=r"Smile2_30\.ply has .* not those of the template"):
        person.displacement(HAPPY)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError, match=r"Smile2_30\.ply"):
        person.displacement(HAPPY)


@pytest.mark.skipif(REAL is None, reason="needs emovoca/COMA_CH01.npz")
def test_real_expressions_have_the_size_that_is_known_of_them(tmp_path):
    layout = EmoVOCALayout(tmp_path)
    with np.load(REAL) as file:
        vertices, faces, names = file["vertices"], file["faces"].astype(np.int64), file["names"]
    assert list(names) == [emotion.file_name for emotion in EMOTIONS]
    for emotion, positions in zip(EMOTIONS, vertices, strict=True):
        mesh = Mesh(positions.astype(np.float64), faces)
        write_mesh(layout.condition("COMA_CH01", emotion), mesh)
    person = ExpressiveIdentity(layout, "COMA_CH01", faces, "mean")
    moved = [np.linalg.norm(person.displacement(emotion), axis=1) for emotion in EMOTIONS]
    assert all(0.0004 < each.mean() < 0.0014 for each in moved)
    assert 0.008 < max(each.max() for each in moved) < 0.0099
