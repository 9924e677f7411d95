"""Files of the vertices of parts of a face."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.io

from lightning_face.errors import DataError
from lightning_face.mesh.vertex_mask import read_mask


def test_npy_counts_from_zero_and_mat_from_one(tmp_path):
    np.save(tmp_path / "mask.npy", np.array([0, 9, 3]))
    scipy.io.savemat(tmp_path / "mask.mat", {"lips_idx": np.array([[1], [10], [4]], np.uint16)})
    scipy.io.savemat(tmp_path / "other.mat", {"some_name": np.array([1, 10, 4])})
    for name in ("mask.npy", "mask.mat", "other.mat"):
        assert read_mask(tmp_path / name, 10).tolist() == [0, 9, 3]


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("mask.npy", np.array([0, 10]), "names vertex 10, .* have 10 vertices, counted from 0"),
        ("mask.npy", np.array([-1, 2]), "names vertex -1"),
        ("mask.npy", np.array([0.5]), "no whole numbers"),
        ("mask.npy", np.array([], dtype=int), "no whole numbers"),
        ("mask.mat", np.array([0, 1]), "names vertex 0, .* counted from 1"),
        ("mask.mat", np.array([11]), "names vertex 11"),
    ],
)
def test_impossible_masks_are_refused(tmp_path, name, values, message):
    path = tmp_path / name
    if name.endswith(".npy"):
        np.save(path, values)
    else:
        scipy.io.savemat(path, {"lips_idx": values})
    with pytest.raises(DataError, match=message) as caught:
        read_mask(path, 10)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["mask.npy", "mask.mat"])
@pytest.mark.parametrize("content", [None, b"", b"damaged"])
def test_missing_and_damaged_masks_are_named(tmp_path, name, content):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=name) as caught:
        read_mask(path, 10)
    assert "\n" not in str(caught.value)


def test_mat_files_of_several_variables_need_the_known_one(tmp_path):
    scipy.io.savemat(tmp_path / "mask.mat", {"a": np.array([1]), "b": np.array([2])})
    with pytest.raises(DataError, match="no variable lips_idx among a, b"):
        read_mask(tmp_path / "mask.mat", 10)
