"""Operators are computed once, by whichever process, and never read damaged."""

from __future__ import annotations

import multiprocessing

import numpy as np
import pytest
import torch

from lightning_face.errors import ConfigError, DataError
from lightning_face.mesh import Mesh, OperatorSettings, build_operators, cached_operators
from lightning_face.mesh import operator_cache as module

trimesh = pytest.importorskip("trimesh")
pytest.importorskip("potpourri3d")

SETTINGS = OperatorSettings(12)


def sphere(radius=0.1):
    body = trimesh.creation.icosphere(2, radius)
    return Mesh(np.array(body.vertices), np.array(body.faces, dtype=np.int64))


def equal(first, second):
    return all(torch.equal(getattr(first, key), getattr(second, key)) for key in vars(first))


@pytest.fixture
def computed(monkeypatch):
    """Names of the meshes whose operators are computed in this process."""
    names = []
    original = module.operator_arrays

    def counting(mesh, settings, name):
        names.append(name)
        return original(mesh, settings, name)

    monkeypatch.setattr(module, "operator_arrays", counting)
    return names


def test_a_mesh_seen_before_is_not_computed(tmp_path, computed):
    first = cached_operators(sphere(), SETTINGS, tmp_path, "a")
    second = cached_operators(sphere(), SETTINGS, tmp_path, "b")
    assert computed == ["a"]
    assert equal(first, second)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("mesh", "settings"),
    [
        (sphere(0.11), SETTINGS),
        (Mesh(sphere().vertices, sphere().faces[:, [1, 2, 0]]), SETTINGS),
        (sphere(), OperatorSettings(13)),
        (sphere(), OperatorSettings(12, "relative")),
    ],
)
def test_what_operators_depend_on_is_told_apart(tmp_path, computed, mesh, settings):
    cached_operators(sphere(), SETTINGS, tmp_path)
    cached_operators(mesh, settings, tmp_path)
    assert len(computed) == 2


def test_another_version_of_the_algorithm_computes_again(tmp_path, computed, monkeypatch):
    cached_operators(sphere(), SETTINGS, tmp_path)
    monkeypatch.setattr(module, "ALGORITHM_VERSION", module.ALGORITHM_VERSION + 1)
    cached_operators(sphere(), SETTINGS, tmp_path)
    assert len(computed) == 2


def test_the_types_of_the_arrays_make_no_difference(tmp_path, computed):
    mesh = Mesh(sphere().vertices.astype(np.float32), sphere().faces.astype(np.int32))
    cached_operators(mesh, SETTINGS, tmp_path)
    upcast = Mesh(mesh.vertices.astype(np.float64), mesh.faces.astype(np.int64))
    cached_operators(upcast, SETTINGS, tmp_path)
    assert len(computed) == 1


def test_an_entry_with_more_eigenpairs_serves(tmp_path, computed):
    more = cached_operators(sphere(), OperatorSettings(20), tmp_path)
    fewer = cached_operators(sphere(), SETTINGS, tmp_path)
    assert len(computed) == 1
    assert equal(fewer, more.truncated(12))


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "metadata"])
def test_a_damaged_entry_is_computed_again_with_one_warning(tmp_path, computed, damage):
    whole = cached_operators(sphere(), SETTINGS, tmp_path)
    (entry,) = tmp_path.iterdir()
    content = bytearray(entry.read_bytes())
    if damage == "cut":
        content = content[:-100]
    elif damage == "flipped":
        content[-100] ^= 1
    elif damage == "metadata":
        content = content.replace(b"sha256", b"sha255")
    else:
        content = b""
    entry.write_bytes(content)
    with pytest.warns(UserWarning, match=r"is damaged; the operators of head\.ply") as warned:
        again = cached_operators(sphere(), SETTINGS, tmp_path, "head.ply")
    assert len(warned) == 1
    assert equal(again, whole)
    assert equal(cached_operators(sphere(), SETTINGS, tmp_path), whole)
    assert len(computed) == 2


def test_entries_lie_in_the_cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path))
    cached_operators(sphere(), SETTINGS)
    assert len(list((tmp_path / "operators").iterdir())) == 1


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(ConfigError, match=r"taken.*LIGHTNING_FACE_CACHE"):
        cached_operators(sphere(), SETTINGS, tmp_path / "taken")


def test_a_data_set_is_built_once(tmp_path, computed):
    meshes = {"a": sphere(0.1), "b": sphere(0.2), "same as a": sphere(0.1)}
    cached_operators(meshes["b"], SETTINGS, tmp_path, "b")
    done = []
    report = build_operators(meshes, SETTINGS, tmp_path, progress=done.append)
    assert (report.found, report.computed) == (("b",), ("a", "same as a"))
    assert computed == ["b", "a"]
    assert done == ["a"]
    assert build_operators(meshes, SETTINGS, tmp_path).found == tuple(meshes)


def test_several_processes_build_what_one_would(tmp_path, computed):
    meshes = {str(i): sphere(0.1 + 0.01 * i) for i in range(3)}
    done = []
    build_operators(meshes, SETTINGS, tmp_path, workers=2, progress=done.append)
    assert sorted(done) == ["0", "1", "2"]
    for name, mesh in meshes.items():
        ours = cached_operators(mesh, SETTINGS, tmp_path)
        assert equal(ours, cached_operators(mesh, SETTINGS, tmp_path / "alone", f"alone {name}"))
    assert computed == ["alone 0", "alone 1", "alone 2"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_mesh_without_operators_is_named(tmp_path, workers):
    broken = Mesh(np.full((200, 3), np.nan), sphere().faces)
    with pytest.raises(DataError, match="broken: vertex 0 is not finite"):
        build_operators({"broken": broken, "good": sphere()}, SETTINGS, tmp_path, workers)


def test_no_workers_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="workers must be at least 1"):
        build_operators({}, SETTINGS, tmp_path, workers=0)


def _compute_repeatedly(folder):
    for _ in range(5):
        for entry in folder.glob("*.safetensors"):
            entry.unlink(missing_ok=True)
        assert len(cached_operators(sphere(), SETTINGS, folder).mass) == 162


def test_processes_that_delete_and_write_the_same_entry_do_not_disturb_each_other(tmp_path):
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_compute_repeatedly, args=(tmp_path,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
