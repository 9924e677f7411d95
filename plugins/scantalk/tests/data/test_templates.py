"""Neutral heads, and pickles that run no code."""

from __future__ import annotations

import collections
import pickle
import pickletools

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.mesh import Mesh, read_mesh, write_mesh
from lightning_face_scantalk.data.layout import LAYOUTS
from lightning_face_scantalk.data.templates import TemplateBook, read_array_pickle

ARRAYS = {"a": np.arange(6.0).reshape(2, 3), "b": np.arange(6, dtype=np.float32).reshape(2, 3)}


@pytest.mark.parametrize("protocol", range(5))
def test_arrays_of_every_protocol_are_read(tmp_path, protocol):
    path = tmp_path / "templates.pkl"
    path.write_bytes(pickle.dumps(ARRAYS, protocol))
    found = read_array_pickle(path)
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_pickle_of_python_2_is_read(tmp_path):
    # byte strings for names and content, and the module that NumPy had then
    content = np.arange(6.0).tobytes()
    stream = (
        b"\x80\x02}q\x00U\x01aq\x01cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\n"
        b"q\x03K\x00\x85U\x01b\x87Rq\x04(K\x01K\x02K\x03\x86cnumpy\ndtype\nq\x05U\x02f8K\x00K\x01"
        b"\x87Rq\x06(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U"
        + bytes([len(content)])
        + content
        + b"tbs."
    )
    pickletools.dis(stream, out=open("/dev/null", "w"))  # noqa: SIM115
    path = tmp_path / "templates.pkl"
    path.write_bytes(stream)
    np.testing.assert_array_equal(read_array_pickle(path)["a"], ARRAYS["a"])


class Harmful:
    def __reduce__(self):
        return print, ("code was run",)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"a": Harmful()}, r"builtins\.print"),
        ({"a": np.array([Harmful()], dtype=object)}, r"builtins\.print"),
        (collections.OrderedDict(ARRAYS), r"collections\.OrderedDict"),
        ({"a": [1.0, 2.0]}, "'a' is not an array"),
        ([ARRAYS["a"]], "no dictionary"),
        ({}, "no dictionary"),
    ],
)
def test_anything_but_arrays_is_refused_by_name(tmp_path, capfd, content, named):
    path = tmp_path / "templates.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match=named) as caught:
        read_array_pickle(path)
    assert str(path) in str(caught.value)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("content", [b"", b"\x80\x02}", b"nothing", pickle.dumps(ARRAYS)[:-30]])
def test_damaged_pickles_are_refused(tmp_path, content):
    path = tmp_path / "templates.pkl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"templates\.pkl (is empty|is damaged)") as caught:
        read_array_pickle(path)
    assert "\n" not in str(caught.value)


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
