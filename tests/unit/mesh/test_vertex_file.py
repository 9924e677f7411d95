"""Files of moving vertices."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.mesh.vertex_file import count_frames, open_vertices, read_vertices

VERTICES = np.random.default_rng(0).standard_normal((7, 5, 3))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("shape", [(7, 5, 3), (7, 15)])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_flat_and_strided_vertices(tmp_path, dtype, shape, order, stride):
    path = tmp_path / "a.npy"
    np.save(path, np.asarray(VERTICES.reshape(shape), dtype=dtype, order=order))
    found = read_vertices(path, 5, stride)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, VERTICES.astype(dtype).astype(np.float32)[::stride])
    assert count_frames(path, 5, stride) == len(found)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((7, 4, 3)), r"shape \(7, 4, 3\), but the template has 5 vertices"),
        (np.zeros((7, 5)), r"shape \(7, 5\)"),
        (np.zeros(15), r"shape \(15,\)"),
        (np.zeros((0, 5, 3)), "has no frames"),
        (np.array(["a"]), "no array of numbers"),
        (np.array([{}], dtype=object), "no .npy file|no array"),
    ],
)
def test_other_arrays_are_refused(tmp_path, array, message):
    path = tmp_path / "a.npy"
    np.save(path, array)
    with pytest.raises(DataError, match=message) as caught:
        count_frames(path, 5)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("kept", [None, 0, 5, 60, -1])
def test_missing_empty_and_truncated_files_are_named(tmp_path, kept):
    path = tmp_path / "a.npy"
    if kept is not None:
        np.save(path, VERTICES)
        path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"a\.npy is (missing|no \.npy file or is truncated)"):
        count_frames(path, 5)


def test_positions_that_are_not_finite_are_named_by_frame(tmp_path):
    path = tmp_path / "a.npy"
    broken = VERTICES.copy()
    broken[4, 2, 1] = np.nan
    np.save(path, broken)
    with pytest.raises(DataError, match=r"a\.npy: the vertices of frame 4 are not finite"):
        read_vertices(path, 5, stride=2)
    assert len(read_vertices(path, 5, stride=3)) == 3


@pytest.mark.parametrize("shape", [(7, 5, 3), (7, 15)])
def test_vertices_are_mapped_as_they_are_stored(tmp_path, shape):
    path = tmp_path / "a.npy"
    np.save(path, VERTICES.reshape(shape))
    mapped = open_vertices(path, 5)
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, VERTICES)
