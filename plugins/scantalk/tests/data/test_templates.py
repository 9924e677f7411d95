"""Neutral heads of the data sets."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.mesh import Mesh, read_mesh, write_mesh
from lightning_face_scantalk.data.layout import LAYOUTS
from lightning_face_scantalk.data.templates import TemplateBook


def test_heads_of_a_pickle_and_of_files(written):
    for name in LAYOUTS:
        layout = LAYOUTS[name]
        book = TemplateBook(written / layout.folder, layout)
        subject = {"vocaset": "FaceTalk_170725_00137_TA", "BIWI": "M6"}.get(name, "20181017")
        assert book.has(subject)
        assert not book.has("nobody")
        mesh = book.read(subject)
        np.testing.assert_array_equal(mesh.faces, read_mesh(book.faces_path).faces)
        assert mesh.vertices.dtype == np.float64
        assert len(mesh.vertices) == book.num_vertices


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros((4, 3)), "has 4 vertices"),
        (np.zeros((4, 2)), r"shape \(4, 2\)"),
        (np.full((4, 3), "x"), "of shape"),
        (np.full((4, 3), np.nan), "not finite"),
    ],
)
def test_wrong_templates_of_a_pickle_are_named(root, value, message):
    layout = LAYOUTS["vocaset"]
    path = root / "vocaset" / "templates.pkl"
    path.write_bytes(pickle.dumps({"someone": value}))
    book = TemplateBook(root / "vocaset", layout)
    with pytest.raises(DataError, match=message) as caught:
        book.read("someone")
    assert str(path) in str(caught.value)
    assert "someone" in str(caught.value)
    with pytest.raises(DataError, match="no template of nobody"):
        book.read("nobody")


def test_templates_of_another_topology_and_clouds_are_named(root):
    folder, layout = root / "Biwi_6", LAYOUTS["BIWI"]
    mesh = read_mesh(folder / "templates" / "M6.obj")
    write_mesh(folder / "templates" / "M6.obj", Mesh(mesh.vertices[:-1], mesh.faces[:1]))
    with pytest.raises(DataError, match=r"M6\.obj.*vertices, the faces of .*F1\.obj"):
        TemplateBook(folder, layout).read("M6")
    write_mesh(folder / "templates" / "F1.obj", Mesh(mesh.vertices, mesh.faces[:0]))
    with pytest.raises(DataError, match=r"F1\.obj has no faces"):
        TemplateBook(folder, layout)
