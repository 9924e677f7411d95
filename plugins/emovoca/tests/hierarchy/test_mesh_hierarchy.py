from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face_emovoca.hierarchy.decimation import build_hierarchy
from lightning_face_emovoca.hierarchy.mesh_hierarchy import MeshHierarchy


@pytest.fixture
def hierarchy(sheet):
    return build_hierarchy(sheet(), num_levels=2)


def test_comes_back_from_its_file(hierarchy, tmp_path):
    hierarchy.save(tmp_path / "deep" / "h.npz")
    back = MeshHierarchy.load(tmp_path / "deep" / "h.npz")
    assert back.digest() == hierarchy.digest()
    assert back.level_sizes == hierarchy.level_sizes == (72, 18, 5)
    assert back.spiral_lengths == hierarchy.spiral_lengths
    for ours, theirs in zip(back.up, hierarchy.up, strict=True):
        assert np.array_equal(ours[0], theirs[0])
        assert np.array_equal(ours[1], theirs[1])


def test_digest_tells_hierarchies_apart(hierarchy):
    spirals = [each.copy() for each in hierarchy.spirals]
    spirals[0][3, 2] += 1
    assert replace(hierarchy, spirals=spirals).digest() != hierarchy.digest()


def test_parts_of_different_meshes_are_refused(hierarchy):
    with pytest.raises(DataError, match="vertices of level 1 have shape"):
        replace(hierarchy, vertices=[hierarchy.vertices[0]] * 3)
    with pytest.raises(DataError, match="3 levels of spirals do not go with 2 of vertices"):
        replace(hierarchy, vertices=hierarchy.vertices[:2])
    with pytest.raises(DataError, match="down-sampling 0 name vertices"):
        replace(hierarchy, down=[hierarchy.down[0] + 70, hierarchy.down[1]])


def test_missing_file_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"no mesh hierarchy .*h\.npz"):
        MeshHierarchy.load(tmp_path / "h.npz")


@pytest.mark.parametrize("keep", [0, 100, 2000])
def test_truncated_file_is_an_error(hierarchy, tmp_path, keep):
    path = tmp_path / "h.npz"
    hierarchy.save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"h\.npz is damaged or no mesh hierarchy"):
        MeshHierarchy.load(path)


def test_file_of_other_arrays_is_an_error(tmp_path):
    np.savez(tmp_path / "h.npz", vertices=np.zeros((3, 3)))
    with pytest.raises(DataError, match="it lacks 'format_version"):
        MeshHierarchy.load(tmp_path / "h.npz")


def test_file_of_another_version_is_an_error(tmp_path):
    np.savez(tmp_path / "h.npz", format_version=2)
    with pytest.raises(DataError, match="version 2 of the format, this release reads version 1"):
        MeshHierarchy.load(tmp_path / "h.npz")
