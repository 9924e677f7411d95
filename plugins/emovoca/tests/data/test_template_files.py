"""Files of a topology."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.mesh import Mesh, read_mesh, write_mesh
from lightning_face.testing.research_data import research_file
from lightning_face_emovoca.data.template_files import (
    EMBEDDING_FILE,
    FACES_FILE,
    OWN_HIERARCHY_FILE,
    TemplateFiles,
)


def test_published_layout_and_own_files_are_the_same_topology(root):
    folder = root / "src" / "template"
    published = TemplateFiles.read(folder)
    assert published.num_vertices == len(read_mesh(folder / FACES_FILE).vertices)
    np.testing.assert_array_equal(published.faces, read_mesh(folder / "template.obj").faces)
    assert len(published.embedding) == 68
    for path in folder.iterdir():
        path.unlink()
    published.hierarchy.save(folder / OWN_HIERARCHY_FILE)
    published.embedding.save(folder / EMBEDDING_FILE)
    own = TemplateFiles.read(folder)
    assert own.hierarchy.digest() == published.hierarchy.digest()
    np.testing.assert_array_equal(own.embedding.corners, published.embedding.corners)


@pytest.mark.parametrize(
    "name",
    [
        "downsampling_matrices.pkl",
        "FLAME_sample.ply",
        "flame_static_embedding.pkl",
        "flame_dynamic_embedding.npy",
    ],
)
@pytest.mark.parametrize("damage", ["missing", "empty", "truncated"])
def test_each_file_that_cannot_be_used_is_named(root, name, damage):
    path = root / "src" / "template" / name
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(content[: len(content) // 2 if damage == "truncated" else 0])
    with pytest.raises(DataError) as caught:
        TemplateFiles.read(root / "src" / "template")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_folder_is_named_with_where_to_get_it(tmp_path):
    with pytest.raises(DataError, match=r"src/template of github\.com"):
        TemplateFiles.read(tmp_path / "none")


@pytest.mark.parametrize("change", ["vertices", "faces"])
def test_mesh_of_another_topology_is_refused(root, change):
    path = root / "src" / "template" / FACES_FILE
    mesh = read_mesh(path)
    if change == "vertices":
        changed = Mesh(np.concatenate([mesh.vertices, mesh.vertices[:1]]), mesh.faces)
    else:
        changed = Mesh(mesh.vertices, mesh.faces[1:])
    write_mesh(path, changed)
    with pytest.raises(DataError, match="they belong to different topologies") as caught:
        TemplateFiles.read(path.parent)
    assert str(path) in str(caught.value)


@pytest.mark.skipif(
    research_file("emovoca/downsampling_matrices.pkl") is None,
    reason="needs emovoca/downsampling_matrices.pkl",
)
def test_published_files_are_read():
    topology = TemplateFiles.read(research_file("emovoca/downsampling_matrices.pkl").parent)
    assert topology.hierarchy.level_sizes == (5023, 1256, 314, 79, 20)
    assert topology.hierarchy.spiral_lengths == (15, 14, 9, 9, 7)
    assert len(topology.embedding) == 68
