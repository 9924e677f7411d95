from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
from scipy import sparse

from lightning_face.errors import DataError
from lightning_face.testing.research_data import research_file
from lightning_face_emovoca.hierarchy import published_hierarchy
from lightning_face_emovoca.hierarchy.decimation import build_hierarchy
from lightning_face_emovoca.hierarchy.published_hierarchy import (
    kept_vertices,
    read_published_hierarchy,
    upsampling_weights,
    write_published_hierarchy,
)
from lightning_face_emovoca.hierarchy.spirals import SpiralSettings


@pytest.fixture
def written(head, tmp_path):
    hierarchy = build_hierarchy(head, num_levels=2)
    write_published_hierarchy(tmp_path / "downsampling_matrices.pkl", hierarchy)
    return hierarchy


def test_comes_back_from_its_file(written, tmp_path):
    back = read_published_hierarchy(tmp_path)
    assert back.level_sizes == written.level_sizes
    for name in ("vertices", "faces", "down", "spirals"):
        for ours, theirs in zip(getattr(back, name), getattr(written, name), strict=True):
            assert np.array_equal(ours, theirs)
    for step, (indices, weights) in enumerate(back.up):
        fine = (weights[..., None] * back.vertices[step + 1][indices]).sum(axis=1)
        indices, weights = written.up[step]
        expected = (weights[..., None] * written.vertices[step + 1][indices]).sum(axis=1)
        assert np.allclose(fine, expected, atol=1e-12)


def test_file_has_what_the_published_code_reads(written, tmp_path):
    content = pickle.loads((tmp_path / "downsampling_matrices.pkl").read_bytes())  # noqa: S301
    assert list(content) == ["M_verts_faces", "A", "D", "U", "F"]
    sizes = written.level_sizes
    assert [each.shape for each in content["D"]] == [(sizes[1], sizes[0]), (sizes[2], sizes[1])]
    assert [each.shape for each in content["U"]] == [(sizes[0], sizes[1]), (sizes[1], sizes[2])]
    edges = written.faces[0][:, [0, 1]]
    assert (content["A"][0][edges[:, 0], edges[:, 1]] > 0).all()
    assert content["A"][0].format == "csc"


def test_spirals_follow_the_settings(written, tmp_path):
    settings = SpiralSettings((0,), (1, 1, 1))
    back = read_published_hierarchy(tmp_path, settings)
    assert back.spirals[0].shape[1] < written.spirals[0].shape[1]


def test_is_made_once(written, tmp_path, monkeypatch):
    first = read_published_hierarchy(tmp_path)
    monkeypatch.setattr(published_hierarchy, "spiral_tables", None)
    assert read_published_hierarchy(tmp_path).digest() == first.digest()


def test_damaged_cache_entry_is_made_again(written, tmp_path, cache):
    first = read_published_hierarchy(tmp_path)
    for entry in (cache / "emovoca").iterdir():
        entry.write_bytes(b"damaged")
    assert read_published_hierarchy(tmp_path).digest() == first.digest()


def test_missing_file_says_where_to_get_it(tmp_path):
    with pytest.raises(DataError, match=r"downsampling_matrices\.pkl; the published one is src/"):
        read_published_hierarchy(tmp_path)


class Attack:
    def __reduce__(self):
        return os.mkdir, ("attacked",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (Attack(), r"was not read: it asks for posix\.mkdir"),
        ([1, 2], "no template hierarchy"),
        ({"D": [], "U": []}, "no template hierarchy: KeyError"),
    ],
)
def test_other_pickles_are_refused(tmp_path, monkeypatch, content, words):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "downsampling_matrices.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match=words):
        read_published_hierarchy(path)
    assert not (tmp_path / "attacked").exists()


def test_levels_of_different_meshes_are_refused(written, tmp_path):
    path = tmp_path / "downsampling_matrices.pkl"
    content = pickle.loads(path.read_bytes())  # noqa: S301
    content["D"] = content["D"][::-1]
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match=r"matrices\.pkl is damaged: the down-sampling 0"):
        read_published_hierarchy(path)


def test_matrices_of_other_kinds_are_refused():
    with pytest.raises(DataError, match="does not keep vertices"):
        kept_vertices(sparse.csc_array(np.array([[0.5, 0.5]])))
    with pytest.raises(DataError, match="more than three weights"):
        upsampling_weights(sparse.csc_array(np.full((2, 4), 0.25)))


def test_rows_of_fewer_weights_are_filled_with_zeros():
    indices, weights = upsampling_weights(sparse.csc_array(np.array([[0, 0, 2.0], [1, 0, -1]])))
    assert indices.tolist() == [[2, 0, 0], [0, 2, 0]]
    assert weights.tolist() == [[2, 0, 0], [1, -1, 0]]


def test_published_file_has_the_published_sizes():
    path = research_file("emovoca/downsampling_matrices.pkl")
    if path is None:
        pytest.skip("needs downsampling_matrices.pkl of the published template")
    hierarchy = read_published_hierarchy(path.parent)
    assert hierarchy.level_sizes == (5023, 1256, 314, 79, 20)
    assert hierarchy.spiral_lengths == (15, 14, 9, 9, 7)
    assert hierarchy.down[0][0] == 8
    for step, kept in enumerate(hierarchy.down):
        assert (np.diff(kept) > 0).all()
        assert len(hierarchy.up[step][0]) == hierarchy.level_sizes[step]
