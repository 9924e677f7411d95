import json
import pickle

import numpy as np
import pytest
import torch

from lightning_face.errors import DataError
from lightning_face.mesh import read_mesh
from lightning_face.testing.research_data import research_file
from lightning_face_emovoca.landmarks import (
    DYNAMIC_FILE,
    STATIC_FILE,
    LandmarkEmbedding,
    normalize_landmarks,
    read_published_embedding,
)

FACES = np.array([[0, 1, 2], [2, 1, 3], [3, 1, 4]])


@pytest.fixture
def vertices():
    return np.random.default_rng(0).normal(size=(7, 5, 3))


@pytest.fixture
def embedding():
    weights = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])
    return LandmarkEmbedding.from_triangles([2, 0], weights, FACES)


def test_landmarks_are_weighted_sums_of_corners(embedding, vertices):
    expected = 0.2 * vertices[:, 3] + 0.3 * vertices[:, 1] + 0.5 * vertices[:, 4]
    found = embedding.landmarks_of(vertices)
    assert found.shape == (7, 2, 3)
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-15)
    np.testing.assert_array_equal(found[:, 1], vertices[:, 0])


def test_arrays_and_tensors_agree_and_keep_their_type(embedding, vertices):
    floats = vertices.astype(np.float32)
    array, tensor = embedding.landmarks_of(floats), embedding.landmarks_of(torch.tensor(floats))
    assert array.dtype == np.float32
    assert tensor.dtype == torch.float32
    np.testing.assert_allclose(tensor.numpy(), array, atol=1e-6)
    np.testing.assert_allclose(
        normalize_landmarks(tensor).numpy(), normalize_landmarks(array), atol=1e-6
    )


def test_normalised_landmarks_ignore_position_and_size(vertices):
    found = normalize_landmarks(vertices)
    np.testing.assert_allclose(found.mean(axis=1), 0.0, atol=1e-15)
    np.testing.assert_allclose(np.linalg.norm(found, axis=(1, 2)), 1.0)
    sizes = np.linspace(0.01, 100.0, len(vertices))[:, None, None]
    np.testing.assert_allclose(normalize_landmarks(sizes * vertices + 3.0), found, atol=1e-12)


def test_landmarks_in_one_point_cannot_be_normalised():
    with pytest.raises(DataError, match="one point"):
        normalize_landmarks(torch.ones(2, 68, 3))


def test_landmarks_on_vertices_are_these(vertices):
    embedding = LandmarkEmbedding.from_vertices([4, 0, 4])
    np.testing.assert_array_equal(embedding.landmarks_of(vertices), vertices[:, [4, 0, 4]])


def test_saved_landmarks_come_back(embedding, tmp_path):
    embedding.save(tmp_path / "landmarks.npz")
    loaded = LandmarkEmbedding.load(tmp_path / "landmarks.npz")
    np.testing.assert_array_equal(loaded.corners, embedding.corners)
    np.testing.assert_array_equal(loaded.weights, embedding.weights)


def test_a_list_of_vertices_is_read(tmp_path):
    (tmp_path / "points.json").write_text(json.dumps([3, 1]))
    np.testing.assert_array_equal(
        LandmarkEmbedding.load(tmp_path / "points.json").corners, [[3, 3, 3], [1, 1, 1]]
    )


@pytest.mark.parametrize("content", ["", "{", '{"a": 1}', "[0.5]", "[[1]]", "[-1]", "[]x"])
def test_a_damaged_list_names_the_file(content, tmp_path):
    path = tmp_path / "points.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"points\.json"):
        LandmarkEmbedding.load(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no zip"])
def test_a_damaged_archive_names_the_file(content, tmp_path):
    path = tmp_path / "landmarks.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"landmarks\.npz"):
        LandmarkEmbedding.load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.npz: there is no such"):
        LandmarkEmbedding.load(tmp_path / "none.npz")


@pytest.mark.parametrize(
    ("corners", "weights"),
    [
        (np.zeros((2, 3), int), np.zeros((3, 3))),
        (np.zeros((2, 3)), np.zeros((2, 3))),
        (np.full((2, 3), -1), np.zeros((2, 3))),
        (np.zeros((2, 3), int), np.full((2, 3), np.nan)),
        (np.zeros(3, int), np.zeros(3)),
    ],
)
def test_impossible_landmarks_are_refused(corners, weights):
    with pytest.raises(DataError):
        LandmarkEmbedding(corners, weights)


def test_landmarks_of_another_topology_are_refused(embedding):
    with pytest.raises(DataError, match="another topology"):
        embedding.landmarks_of(np.zeros((1, 4, 3)))
    with pytest.raises(DataError, match="another topology"):
        LandmarkEmbedding.from_triangles([3], np.ones((1, 3)), FACES)


def write_published(folder, static=None, dynamic=None):
    """Write landmarks in the published layout, of two static and one moving point."""
    static = {
        "lmk_face_idx": np.array([0, 2], np.uint32),
        "lmk_b_coords": np.array([[1.0, 0, 0], [0, 1.0, 0]]),
        **(static or {}),
    }
    rows = {
        "lmk_face_idx": [np.array([row % 3]) for row in range(79)],
        "lmk_b_coords": [np.array([[0.5, 0.25, 0.25]]) for _ in range(79)],
        **(dynamic or {}),
    }
    (folder / STATIC_FILE).write_bytes(pickle.dumps(static))
    np.save(folder / DYNAMIC_FILE, np.array(rows, dtype=object), allow_pickle=True)


@pytest.mark.parametrize("angle", [0, 4])
def test_published_landmarks_begin_with_the_contour(angle, tmp_path, vertices):
    write_published(tmp_path)
    embedding = read_published_embedding(tmp_path, FACES, angle)
    np.testing.assert_array_equal(embedding.corners, [FACES[angle % 3], FACES[0], FACES[2]])
    np.testing.assert_array_equal(embedding.landmarks_of(vertices)[:, 2], vertices[:, 1])


@pytest.mark.parametrize("name", [STATIC_FILE, DYNAMIC_FILE])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "other"])
def test_a_published_file_that_is_wrong_is_named(name, damage, tmp_path):
    write_published(tmp_path)
    path = tmp_path / name
    if damage == "missing":
        path.unlink()
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    else:
        path.write_bytes(pickle.dumps({"something": np.zeros(3)}))
    with pytest.raises(DataError, match=name):
        read_published_embedding(tmp_path, FACES)


def test_a_row_that_is_not_there_is_named(tmp_path):
    write_published(tmp_path)
    with pytest.raises(DataError, match="row 79"):
        read_published_embedding(tmp_path, FACES, 79)


def test_published_landmarks_that_run_code_are_refused(tmp_path):
    class Attack:
        def __reduce__(self):
            return print, ("ran",)

    write_published(tmp_path, static={"lmk_b_coords": Attack()})
    with pytest.raises(DataError, match=STATIC_FILE):
        read_published_embedding(tmp_path, FACES)


@pytest.mark.skipif(
    research_file(f"emovoca/{STATIC_FILE}") is None, reason="the embeddings of FLAME are not here"
)
def test_the_published_landmarks_lie_on_a_face():
    folder = research_file(f"emovoca/{STATIC_FILE}").parent
    mesh = read_mesh(folder / "FLAME_sample.ply")
    embedding = read_published_embedding(folder, mesh.faces)
    landmarks = embedding.landmarks_of(mesh.vertices)
    assert len(embedding) == 68
    assert len(np.unique(embedding.corners[17:])) == 144
    # jaw from the right ear over the chin to the left one, nose in front of all
    assert landmarks[0, 0] < landmarks[8, 0] < landmarks[16, 0]
    assert landmarks[:, 1].argmin() == 8
    assert landmarks[:, 2].argmax() in range(27, 36)
    # corners of the mouth, and the lips' outer edges
    assert landmarks[48, 0] < 0 < landmarks[54, 0]
    assert landmarks[51, 1] > landmarks[57, 1]
