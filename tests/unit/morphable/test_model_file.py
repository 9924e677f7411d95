"""Face models on disk."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.mesh import Mesh, write_mesh
from lightning_face.morphable import read_face_model

scipy_io = pytest.importorskip("scipy.io")
pytest.importorskip("trimesh")


@pytest.fixture
def published_names(model):
    return {
        "identity_components": model.identity.components,
        "identity_weights": model.identity.weights,
        "expression_components": model.expression.components,
        "expression_weights": model.expression.weights,
        "landmarks_ibug68": model.landmarks["ibug68"],
        "landmarks_ibug68_raw_one_based": model.landmarks["ibug68"] + 1,
    }


@pytest.fixture
def bases(tmp_path, published_names):
    np.savez(tmp_path / "bases.npz", **published_names)
    return tmp_path / "bases.npz"


@pytest.fixture
def mean(tmp_path, model):
    write_mesh(tmp_path / "mean.ply", Mesh(model.mean, model.faces))
    return tmp_path / "mean.ply"


def assert_same(found, model):
    np.testing.assert_allclose(found.mean, model.mean, atol=1e-8)
    np.testing.assert_array_equal(found.faces, model.faces)
    for role in ("identity", "expression"):
        ours, theirs = getattr(found, role), getattr(model, role)
        np.testing.assert_array_equal(ours.components, theirs.components)
        np.testing.assert_array_equal(ours.weights, theirs.weights)


@pytest.mark.parametrize("kind", ["ply", "obj", "glb", "npz", "mat"])
def test_a_mean_of_every_kind(tmp_path, model, bases, kind):
    path = tmp_path / f"face.{kind}"
    if kind == "npz":
        np.savez(path, vertices=model.mean, faces=model.faces)
    elif kind == "mat":
        # MATLAB keeps whole numbers as doubles
        content = {"template_n": model.mean, "f": model.faces + 1.0}
        scipy_io.savemat(path, content)
    else:
        write_mesh(path, Mesh(model.mean, model.faces))
    found = read_face_model(bases, path)
    assert_same(found, model)
    assert list(found.landmarks) == ["ibug68"]
    np.testing.assert_array_equal(found.landmarks["ibug68"], model.landmarks["ibug68"])


def test_bases_in_one_matlab_file_for_each(tmp_path, model, mean):
    identity, expression = tmp_path / "PCA_ID_4.mat", tmp_path / "DL_expr_6.mat"
    columns = {"Components": model.identity.components, "Weights": model.identity.weights}
    scipy_io.savemat(identity, columns)
    rows = {"Components_e": model.expression.components, "Weights_e": model.expression.weights}
    scipy_io.savemat(expression, rows | {"name": "expression"}, oned_as="column")
    assert_same(read_face_model((identity, expression), mean), model)


@pytest.mark.parametrize(
    "names",
    [
        ("Components", "Weights", "Components_e", "Weights_e"),
        ("id", "id_weights", "exp", "exp_weights"),
        ("identity", "identity_weights", "expression", "expression_weights"),
    ],
)
def test_names_that_other_files_use(tmp_path, model, mean, names):
    arrays = (
        *(model.identity.components, model.identity.weights),
        *(model.expression.components, model.expression.weights),
    )
    np.savez(tmp_path / "plain.npz", **dict(zip(names, arrays, strict=True)))
    assert_same(read_face_model(tmp_path / "plain.npz", mean), model)


def test_bases_of_equal_size_are_told_apart_by_name(tmp_path, model, mean):
    np.savez(
        tmp_path / "bases.npz",
        identity_components=model.identity.components,
        identity_weights=model.identity.weights,
        expression_components=model.expression.components[:, :4],
        expression_weights=model.expression.weights[:4],
    )
    found = read_face_model(tmp_path / "bases.npz", mean)
    np.testing.assert_array_equal(found.identity.components, model.identity.components)
    np.testing.assert_array_equal(found.expression.weights, model.expression.weights[:4])


@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_landmark_lists_from_a_file_of_their_own(tmp_path, model, bases, mean, kind):
    path = tmp_path / f"list.{kind}"
    vertices = model.landmarks["mediapipe478"]
    if kind == "npy":
        np.save(path, vertices)
    else:
        np.savez(path, landmarks_mediapipe478=vertices)
    found = read_face_model(bases, mean, path)
    assert list(found.landmarks) == ["mediapipe478"]
    np.testing.assert_array_equal(found.landmarks["mediapipe478"], vertices)


def test_a_mean_with_other_vertices_is_one_error(tmp_path, model, bases):
    write_mesh(tmp_path / "small.obj", Mesh(model.mean[:200], model.faces[:9]))
    message = r"no components for the 200 vertices of .*small.obj; its bases are for 280 vertices"
    with pytest.raises(DataError, match=message):
        read_face_model(bases, tmp_path / "small.obj")


def test_a_mean_without_numbered_vertices_is_refused(tmp_path, model, bases):
    write_mesh(tmp_path / "face.stl", Mesh(model.mean, model.faces))
    with pytest.raises(DataError, match=r"face\.stl: STL files do not number their vertices"):
        read_face_model(bases, tmp_path / "face.stl")


def test_missing_weights_are_one_error(tmp_path, mean, published_names):
    del published_names["expression_weights"]
    np.savez(tmp_path / "bases.npz", **published_names)
    with pytest.raises(DataError, match="no 6 weights for the expression"):
        read_face_model(tmp_path / "bases.npz", mean)


def test_names_that_do_not_tell_are_one_error(tmp_path, model, mean):
    np.savez(
        tmp_path / "bases.npz",
        a=model.identity.components,
        b=model.expression.components,
        c=model.identity.weights,
        d=model.expression.weights,
    )
    with pytest.raises(DataError, match="which of a, b is the identity basis"):
        read_face_model(tmp_path / "bases.npz", mean)


def test_pickled_bases_are_never_opened(tmp_path, mean):
    np.savez(tmp_path / "bases.npz", arr_0=np.array({"expression": 1}, dtype=object))
    with pytest.raises(DataError, match="pickled objects"):
        read_face_model(tmp_path / "bases.npz", mean)


@pytest.mark.parametrize("name", ["bases.npz", "bases.mat", "mean.ply", "mean.obj", "mean.mat"])
@pytest.mark.parametrize("content", [None, b"", b"no such format"], ids=["none", "empty", "text"])
def test_broken_files_are_named(tmp_path, bases, mean, name, content):
    path = tmp_path / "broken" / name
    path.parent.mkdir()
    if content is not None:
        path.write_bytes(content)
    files = {"bases": bases, "mean": mean} | {path.stem: path}
    with pytest.raises(DataError, match=name):
        read_face_model(**files)


def test_a_truncated_archive_is_named(tmp_path, bases, mean):
    content = bases.read_bytes()
    bases.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"bases\.npz is damaged"):
        read_face_model(bases, mean)


def test_a_list_of_unknown_length_is_one_error(tmp_path, bases, mean):
    np.save(tmp_path / "list.npy", np.arange(70))
    with pytest.raises(DataError, match="68 or 478 whole numbers"):
        read_face_model(bases, mean, tmp_path / "list.npy")
