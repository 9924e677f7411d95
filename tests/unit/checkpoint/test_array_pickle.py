"""Pickles of arrays are read, and run no code."""

from __future__ import annotations

import collections
import pickle

import numpy as np
import pytest
from scipy import sparse

from lightning_face.checkpoint.array_pickle import read_array_pickle, read_plain_pickle
from lightning_face.errors import DataError
from lightning_face.testing.research_data import research_file

ARRAYS = {"a": np.arange(6.0).reshape(2, 3), "b": np.arange(6, dtype=np.float32).reshape(2, 3)}
MATRIX = sparse.csc_matrix(np.array([[0, 1.5, 0], [2.0, 0, 0]]))
NESTED = {
    "pairs": [(np.arange(3), np.arange(3.0)), (np.arange(2), np.ones(2))],
    "matrices": [MATRIX],
    "numbers": {"anna": {"sentence01": {0: np.int64(7), 1: 8}}},
    "rate": np.float64(22050.0),
    "none": None,
}


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_of_every_protocol_are_read(tmp_path, protocol):
    path = tmp_path / "templates.pkl"
    path.write_bytes(pickle.dumps(ARRAYS, protocol))
    found = read_array_pickle(path)
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


@pytest.mark.parametrize("protocol", range(6))
def test_nested_values_and_sparse_matrices_are_read(tmp_path, protocol):
    path = tmp_path / "hierarchy.pkl"
    path.write_bytes(pickle.dumps(NESTED, protocol))
    found = read_plain_pickle(path)
    assert found["numbers"] == NESTED["numbers"]
    assert found["rate"] == 22050.0
    assert found["none"] is None
    assert isinstance(found["pairs"][1], tuple)
    np.testing.assert_array_equal(found["pairs"][1][1], [1, 1])
    assert isinstance(found["matrices"][0], sparse.csc_array)
    np.testing.assert_array_equal(found["matrices"][0].toarray(), MATRIX.toarray())


def test_pickled_object_in_an_npy_file_is_read(tmp_path):
    path = tmp_path / "embedding.npy"
    rows = {"rows": [np.arange(2), np.arange(3)]}
    np.save(path, np.array(rows, dtype=object), allow_pickle=True)
    np.testing.assert_array_equal(read_plain_pickle(path)["rows"][1], [0, 1, 2])
    np.save(path, np.array([rows, None], dtype=object), allow_pickle=True)
    assert read_plain_pickle(path)[1] is None


def test_plain_npy_file_is_no_pickle(tmp_path):
    path = tmp_path / "embedding.npy"
    np.save(path, np.arange(3))
    with pytest.raises(DataError, match="plain array of int64"):
        read_plain_pickle(path)


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
        ({"a": np.ndarray}, "not an array"),
        ({"a": np.dtype("f8")}, "in place of an array"),
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


class Call:
    """Calls something the unpickler knows with arguments of the file's choice."""

    def __init__(self, function, *arguments):
        self.function = function
        self.arguments = arguments

    def __reduce__(self):
        return self.function, self.arguments


@pytest.mark.parametrize(
    "call",
    [
        Call(np.ndarray, (1,), np.dtype("O")),
        Call(np.float64(0).__reduce__()[0], np.dtype("O"), b"0" * 8),
        Call(sparse.csc_matrix, np.eye(2)),
    ],
)
def test_classes_are_no_functions(tmp_path, call):
    path = tmp_path / "templates.pkl"
    path.write_bytes(pickle.dumps({"a": call}))
    with pytest.raises(DataError, match="is damaged or no pickle"):
        read_plain_pickle(path)


@pytest.mark.parametrize(
    ("field", "value"),
    [("indices", np.array([9, 0], np.int32)), ("indptr", np.array([0, 9, 9, 9], np.int32))],
)
def test_sparse_matrix_with_wild_indices_is_refused(tmp_path, field, value):
    path = tmp_path / "hierarchy.pkl"
    matrix = MATRIX.copy()
    setattr(matrix, field, value)
    path.write_bytes(pickle.dumps({"D": [matrix]}))
    with pytest.raises(DataError, match=r"hierarchy\.pkl is damaged"):
        read_plain_pickle(path)


@pytest.mark.parametrize("content", [b"", b"\x80\x02}", b"nothing", pickle.dumps(ARRAYS)[:-30]])
def test_damaged_pickles_are_refused(tmp_path, content):
    path = tmp_path / "templates.pkl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"templates\.pkl (is empty|is damaged)") as caught:
        read_array_pickle(path)
    assert "\n" not in str(caught.value)


def test_missing_pickle_is_named(tmp_path):
    with pytest.raises(DataError, match=r"templates\.pkl cannot be read: No such file"):
        read_array_pickle(tmp_path / "templates.pkl")


def published(name):
    path = research_file(f"emovoca/{name}")
    if path is None:
        pytest.skip(f"needs emovoca/{name}")
    return path


def test_published_template_files_are_read():
    hierarchy = read_plain_pickle(published("downsampling_matrices.pkl"))
    assert [matrix.shape for matrix in hierarchy["D"]] == [
        (1256, 5023),
        (314, 1256),
        (79, 314),
        (20, 79),
    ]
    static = read_array_pickle(published("flame_static_embedding.pkl"))
    assert static["lmk_b_coords"].shape == (51, 3)
    dynamic = read_plain_pickle(published("flame_dynamic_embedding.npy"))
    assert len(dynamic["lmk_face_idx"]) == 79
