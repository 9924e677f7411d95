"""The mesh doctor finds what was broken on purpose."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.mesh import Mesh, examine_mesh, read_mesh
from lightning_face.testing.research_data import research_file

trimesh = pytest.importorskip("trimesh")


def head(mouth=True):
    body = trimesh.creation.icosphere(4)
    vertices, faces = np.array(body.vertices), np.array(body.faces, dtype=np.int64)
    if mouth:
        x, y, z = vertices[faces].mean(axis=1).T
        faces = faces[~((np.abs(x) < 0.3) & (np.abs(y + 0.4) < 0.07) & (z > 0))]
        used = np.unique(faces)
        number = np.zeros(len(vertices), dtype=np.int64)
        number[used] = np.arange(len(used))
        vertices, faces = vertices[used], number[faces]
    return Mesh(vertices * (0.08, 0.12, 0.1), faces)


def with_vertices(mesh, *positions):
    return Mesh(np.concatenate([mesh.vertices, np.array(positions, float)]), mesh.faces)


def with_faces(mesh, *faces):
    return Mesh(mesh.vertices, np.concatenate([mesh.faces, np.array(faces)]))


def test_a_good_head_has_no_problems():
    report = examine_mesh(head())
    assert report.problems == []
    assert report.lips_cut
    assert report.outward
    assert report.unit == "m"
    assert report.components == (report.num_vertices,)
    np.testing.assert_allclose(report.extent, (0.16, 0.24, 0.2), rtol=0.01)


def broken_meshes():
    good = head()
    count = len(good.vertices)
    a, b = (int(corner) for corner in good.faces[0, :2])
    yield "unreferenced", with_vertices(good, [1, 1, 1]), 1, "belong to no face"
    yield "duplicated", with_vertices(good, good.vertices[0]), 1, "in the place of another"
    yield "degenerate", with_faces(good, [a, a, b]), 1, "have no area"
    fin = with_faces(with_vertices(good, [0.2, 0, 0]), [a, b, count])
    yield "nonmanifold_edges", fin, 1, "more than two faces"
    turned = np.concatenate([good.faces[:1, ::-1], good.faces[1:]])
    yield "inconsistent_edges", Mesh(good.vertices, turned), 3, "look opposite ways"


@pytest.mark.parametrize(("field", "mesh", "count", "words"), list(broken_meshes()))
def test_a_defect_is_counted_and_told(field, mesh, count, words):
    report = examine_mesh(mesh)
    assert getattr(report, field) == count
    assert any(words in problem for problem in report.problems)


def test_a_fold_is_counted():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0.5, 1, 0], [0.4, 0.8, 0.001]])
    folded = Mesh(vertices, np.array([[0, 1, 2], [1, 0, 3]]))
    assert examine_mesh(folded).folded == 1
    flat = Mesh(vertices * (1, -1, 1), np.array([[0, 1, 2]]))
    assert examine_mesh(flat).folded == 0


def test_faces_that_look_inwards_are_told():
    mesh = head()
    report = examine_mesh(Mesh(mesh.vertices, mesh.faces[:, ::-1]))
    assert not report.outward
    assert report.problems == ["Its faces look inwards; reverse the order of their corners."]


def test_lips_that_are_not_cut_are_told():
    report = examine_mesh(head(mouth=False))
    assert not report.lips_cut
    (problem,) = report.problems
    assert "the mouth cannot open" in problem


@pytest.mark.parametrize(("scale", "words"), [(1000, "in mm"), (1e5, "no head's in metres")])
def test_an_unusual_unit_is_told(scale, words):
    mesh = head()
    (problem,) = examine_mesh(Mesh(mesh.vertices * scale, mesh.faces)).problems
    assert words in problem


def test_parts_are_told_apart():
    mesh = head()
    both = Mesh(
        np.concatenate([mesh.vertices, mesh.vertices * 0.1]),
        np.concatenate([mesh.faces, mesh.faces[:1] + len(mesh.vertices)]),
    )
    report = examine_mesh(both)
    assert report.components == (len(mesh.vertices), 3)
    assert report.unreferenced == len(mesh.vertices) - 3


def test_a_cloud_of_points():
    report = examine_mesh(Mesh(head().vertices, np.zeros((0, 3), dtype=np.int64)))
    assert (report.num_faces, report.outward, report.unreferenced) == (0, None, 0)
    assert report.problems == ["It has no faces: it is treated as a cloud of points."]


HEADS = {
    "vocaset/templates/FaceTalk_170809_00138_TA.ply": 3,
    "BIWI_6/templates/F1.obj": 1,
    "multiface/templates/20181017.ply": 1,
    "scans/thanos.ply": 3,
    "scans/demo_mesh.ply": 1,
}


@pytest.mark.parametrize("name", HEADS)
def test_real_heads_have_cut_lips(name):
    path = research_file(f"heads/{name}")
    if path is None:
        pytest.skip(f"heads/{name} of the research data is not here")
    report = examine_mesh(read_mesh(path))
    assert (report.lips_cut, report.outward, report.unit) == (True, True, "m")
    assert len(report.components) == HEADS[name]
