import pickle

import numpy as np
import pytest
from scipy import sparse

from lightning_face.errors import DataError
from lightning_face_emovoca.flame_model import FlameModel, read_flame_model

VERTICES, EXPRESSIONS, JOINTS = 40, 4, 5


@pytest.fixture
def arrays():
    random = np.random.default_rng(0)
    return {
        "v_template": random.normal(scale=0.1, size=(VERTICES, 3)),
        "shapedirs": random.normal(scale=0.01, size=(VERTICES, 3, 300 + EXPRESSIONS)),
        "posedirs": random.normal(scale=0.002, size=(VERTICES, 3, 9 * (JOINTS - 1))),
        "J_regressor": random.dirichlet(np.ones(VERTICES), size=JOINTS),
        "weights": random.dirichlet(np.ones(JOINTS), size=VERTICES),
    }


@pytest.fixture
def model(arrays, tmp_path):
    np.savez(tmp_path / "flame.npz", **arrays)
    return read_flame_model(tmp_path / "flame.npz")


@pytest.fixture
def face(arrays):
    return arrays["v_template"] + 0.003 * np.random.default_rng(1).normal(size=(VERTICES, 3))


def test_a_face_at_rest_stays(model, face):
    np.testing.assert_allclose(model.pose(face, np.zeros(EXPRESSIONS), np.zeros(3)), face)


def test_a_jaw_that_takes_all_along_turns_rigidly(face):
    zeros = np.zeros((3 * VERTICES, 1))
    weights = np.full(VERTICES, 1 / VERTICES)
    model = FlameModel(face, zeros, zeros, np.zeros((3 * VERTICES, 9)), weights, np.ones(VERTICES))
    turned = model.pose(face, np.zeros(1), np.array([0.0, 0.0, np.pi / 2]))
    centre = face.mean(axis=0)
    expected = (face - centre)[:, [1, 0, 2]] * (-1, 1, 1) + centre
    np.testing.assert_allclose(turned, expected, atol=1e-12)


@pytest.mark.parametrize("jaw", [(0.3, 0.0, 0.0), (0.1, -0.05, 0.02), (0.0, 0.0, 0.0)])
def test_parameters_of_a_posed_face_are_found(model, face, jaw):
    expression = np.array([0.5, -1.0, 2.0, 0.1])
    fit = model.fit(model.pose(face, expression, np.array(jaw)), face)
    np.testing.assert_allclose(fit.expression, expression, atol=2e-3)
    np.testing.assert_allclose(fit.jaw, jaw, atol=1e-3)
    assert fit.residual < 1e-5


def test_a_search_from_a_frame_before_ends_in_the_same_place(model, face):
    frames = [model.pose(face, np.full(4, t), np.array([t / 5, 0, 0])) for t in (0.5, 0.6)]
    alone = model.fit(frames[1], face)
    after = model.fit(frames[1], face, model.fit(frames[0], face))
    np.testing.assert_allclose(after.expression, alone.expression, atol=1e-4)
    np.testing.assert_allclose(after.jaw, alone.jaw, atol=1e-5)


def test_what_flame_cannot_do_is_told(model, face):
    moved = face + 0.01 * np.random.default_rng(2).normal(size=face.shape)
    fit = model.fit(moved, face)
    assert 0.005 < fit.residual < np.linalg.norm(moved - face, axis=1).mean()


def test_shape_and_place_of_a_face_are_found(model, arrays):
    shape = np.zeros(300)
    shape[:3] = 1.0, -0.5, 0.25
    face = arrays["v_template"] + (model.shape @ shape).reshape(-1, 3) + (0.1, 0.2, 0.3)
    _, translation, residual = model.fit_shape(face)
    np.testing.assert_allclose(translation, (0.1, 0.2, 0.3), atol=0.02)
    assert residual < 1e-4


def test_a_pickle_of_plain_arrays_is_read(arrays, model, tmp_path):
    content = arrays | {
        "J_regressor": sparse.csc_matrix(arrays["J_regressor"]),
        "bs_type": "lrotmin",
    }
    (tmp_path / "flame.pkl").write_bytes(pickle.dumps(content))
    found = read_flame_model(tmp_path / "flame.pkl")
    np.testing.assert_allclose(found.jaw_regressor, model.jaw_regressor)
    np.testing.assert_array_equal(found.expression, model.expression)


def test_a_pickle_that_asks_for_code_is_refused_with_advice(arrays, tmp_path):
    class Attack:
        def __reduce__(self):
            return print, ("ran",)

    (tmp_path / "flame.pkl").write_bytes(pickle.dumps({"v_template": Attack()}))
    with pytest.raises(DataError, match=r"flame\.pkl.*convert the file once"):
        read_flame_model(tmp_path / "flame.pkl")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("shapedirs", None, "needs the arrays"),
        ("shapedirs", np.zeros((VERTICES, 3, 300)), "300 components of shape before"),
        ("weights", np.zeros((VERTICES, 3)), "weights is"),
        ("v_template", np.full((VERTICES, 3), np.nan), "v_template is"),
    ],
)
def test_files_of_other_models_are_refused(arrays, name, value, message, tmp_path):
    arrays[name] = value
    present = {key: array for key, array in arrays.items() if array is not None}
    np.savez(tmp_path / "flame.npz", **present)
    with pytest.raises(DataError, match=message):
        read_flame_model(tmp_path / "flame.npz")


@pytest.mark.parametrize("name", ["flame.npz", "flame.pkl"])
@pytest.mark.parametrize("content", [None, b"", b"something else"])
def test_damaged_files_are_named(name, content, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=name):
        read_flame_model(tmp_path / name)
