"""Mesh files keep their vertices in order."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.mesh import Mesh, read_mesh, write_mesh

trimesh = pytest.importorskip("trimesh")

VERTICES = np.array([[0, 0, 0], [1, 0, 0], [9, 9, 9], [1, 1, 0], [0, 1, 0], [0, 0, 0], [5, 5, 5.0]])
FACES = np.array([[0, 1, 3], [0, 3, 4]])

# Texture seams, materials, groups and a vertex without a face: all reorder vertices if looked at.
TEXTURED = """\
mtllib skin.mtl
g left
v 0 0 0
v 1 0 0
v 9 9 9
vt 0 0
vt 1 0
vt 1 1
vt 0.5 0.5
vn 0 0 1
v 1 1 0 0.5 0.5 0.5
v 0 1 0
v 0 0 0
v 5 5 5
usemtl a
f 1/1/1 2/2/1 4/3/1
g right
usemtl b
f 1/4/1 \\
4/3/1 5/2/1
"""


@pytest.fixture
def mesh():
    return Mesh(VERTICES, FACES)


@pytest.mark.parametrize("suffix", [".obj", ".ply", ".PLY", ".glb"])
def test_round_trip(tmp_path, mesh, suffix):
    path = tmp_path / f"face{suffix}"
    write_mesh(path, mesh)
    found = read_mesh(path)
    np.testing.assert_allclose(found.vertices, VERTICES, atol=1e-7)
    np.testing.assert_array_equal(found.faces, FACES)


@pytest.mark.parametrize("suffix", [".obj", ".ply", ".glb"])
def test_a_point_cloud_round_trip(tmp_path, suffix):
    path = tmp_path / f"points{suffix}"
    write_mesh(path, Mesh(VERTICES, np.zeros((0, 3), dtype=np.int64)))
    found = read_mesh(path)
    np.testing.assert_allclose(found.vertices, VERTICES)
    assert found.faces.shape == (0, 3)


def test_textures_materials_and_loose_vertices_change_no_order(tmp_path):
    (tmp_path / "face.obj").write_text(TEXTURED)
    found = read_mesh(tmp_path / "face.obj")
    np.testing.assert_array_equal(found.vertices, VERTICES)
    np.testing.assert_array_equal(found.faces, FACES)


def test_polygons_become_triangles(tmp_path):
    lines = ["v 0 0 0", "v 1 0 0", "v 1 1 0", "v 0 1 0", "f 1 2 3 4"]
    (tmp_path / "square.obj").write_text("\n".join(lines))
    assert sorted(map(sorted, read_mesh(tmp_path / "square.obj").faces.tolist())) == [
        [0, 1, 2],
        [0, 2, 3],
    ]


def test_a_text_ply(tmp_path):
    header = ["ply", "format ascii 1.0", "element vertex 3"]
    header += [f"property double {axis}" for axis in "xyz"]
    header += ["element face 1", "property list uchar int vertex_indices", "end_header"]
    rows = ["0.1 0 0", "0 0.2 0", "0 0 0.3", "3 2 1 0"]
    (tmp_path / "face.ply").write_text("\n".join(header + rows) + "\n")
    found = read_mesh(tmp_path / "face.ply")
    np.testing.assert_array_equal(found.vertices, np.diag([0.1, 0.2, 0.3]))
    assert found.faces.tolist() == [[2, 1, 0]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("face.obj", None, "no mesh file"),
        ("face.ply", None, "no mesh file"),
        ("face.obj", b" \n", "is empty"),
        ("face.ply", b"", "is empty"),
        ("face.ply", b"solid face", "damaged"),
        ("face.obj", b"hello", "damaged|no vertices"),
        ("face.glb", b"glTF", "damaged"),
        ("face.stl", b"solid", "damaged|no vertices"),
        ("face.fbx", b"Kaydara", "its suffix must be .obj, .ply, .glb or .stl"),
        ("face.obj", b"v 0 0 0\nv nan 0 0\nv 1 1 0\nf 1 2 3\n", "vertex 1 is not finite"),
        ("face.obj", b"v 0 0 0\nv 1 0 0\nf 1 2 3\n", "damaged|does not have"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as raised:
        read_mesh(tmp_path / name)
    assert name in str(raised.value)


@pytest.mark.parametrize("suffix", [".ply", ".glb", ".stl"])
def test_a_truncated_file_is_named(tmp_path, mesh, suffix):
    path = tmp_path / f"face{suffix}"
    write_mesh(path, mesh)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=path.name):
        read_mesh(path)


def test_stl_joins_corners_in_the_same_place(tmp_path, mesh):
    write_mesh(tmp_path / "face.stl", mesh)
    found = read_mesh(tmp_path / "face.stl")
    assert len(found.vertices) == 4
    np.testing.assert_array_equal(found.vertices[found.faces], VERTICES[FACES])


def test_stl_has_no_clouds(tmp_path):
    cloud = Mesh(VERTICES, np.zeros((0, 3), dtype=np.int64))
    with pytest.raises(DataError, match=r"points\.stl: an STL file has triangles only"):
        write_mesh(tmp_path / "points.stl", cloud)


def test_the_parts_of_a_scene_are_joined_in_their_places(tmp_path, mesh):
    scene = trimesh.Scene()
    for name, shift in (("second", 1.0), ("first", 2.0)):
        transform = np.diag([2.0, 2.0, 2.0, 1.0])
        transform[:3, 3] = shift
        body = trimesh.Trimesh(VERTICES, FACES, process=False)
        scene.add_geometry(body, node_name=name, geom_name=name, transform=transform)
    (tmp_path / "scene.glb").write_bytes(scene.export(file_type="glb"))
    found = read_mesh(tmp_path / "scene.glb")
    expected = np.concatenate([2 * VERTICES + 1, 2 * VERTICES + 2])
    np.testing.assert_allclose(found.vertices, expected)
    np.testing.assert_array_equal(found.faces, np.concatenate([FACES, FACES + len(VERTICES)]))


@pytest.mark.parametrize(
    ("name", "vertices", "message"),
    [
        ("face.ply", np.full((3, 3), np.nan), "not finite"),
        ("face.obj", np.zeros((0, 3)), "without vertices"),
        ("face.fbx", VERTICES, "suffix"),
    ],
)
def test_what_cannot_be_written_leaves_no_file(tmp_path, name, vertices, message):
    with pytest.raises(DataError, match=message):
        write_mesh(tmp_path / name, Mesh(vertices, FACES))
    assert not list(tmp_path.iterdir())
