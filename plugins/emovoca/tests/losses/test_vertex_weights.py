import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.mesh import read_mesh
from lightning_face.testing.research_data import research_file
from lightning_face_emovoca.landmarks import LandmarkEmbedding, read_published_embedding
from lightning_face_emovoca.losses.vertex_weights import (
    landmark_vertex_weights,
    read_vertex_weights,
)


@pytest.mark.parametrize("extra", [0, 1])
def test_weights_are_read_without_that_of_the_dummy(extra, tmp_path):
    np.save(tmp_path / "w.npy", np.arange(5.0 + extra))
    assert read_vertex_weights(tmp_path / "w.npy", 5).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "values",
    [
        np.ones(7),
        np.ones(4),
        np.full(5, np.nan),
        -np.ones(5),
        np.zeros(5),
        np.array(list("abcde")),
    ],
)
def test_impossible_weights_name_the_file(values, tmp_path):
    np.save(tmp_path / "w.npy", values)
    with pytest.raises(DataError, match=r"w\.npy"):
        read_vertex_weights(tmp_path / "w.npy", 5)


@pytest.mark.parametrize("content", [None, b"", b"\x93NUMPY"])
def test_a_damaged_file_is_named(content, tmp_path):
    if content is not None:
        (tmp_path / "w.npy").write_bytes(content)
    with pytest.raises(DataError, match=r"w\.npy"):
        read_vertex_weights(tmp_path / "w.npy", 5)


def test_weights_fall_from_the_landmarks_to_the_farthest_vertex():
    vertices = np.stack([np.arange(5.0), np.zeros(5), np.zeros(5)], axis=1)
    weights = landmark_vertex_weights(vertices, LandmarkEmbedding.from_vertices([1]))
    np.testing.assert_allclose(weights, [2 / 3, 1, 2 / 3, 1 / 3, 0], atol=1e-6)


def test_vertices_that_are_all_landmarks_count_alike():
    embedding = LandmarkEmbedding.from_vertices([0, 1])
    assert landmark_vertex_weights(np.eye(2, 3), embedding).tolist() == [1, 1]


@pytest.mark.skipif(
    research_file("emovoca/Normalized_d_weights.npy") is None,
    reason="the published weights of vertices are not here",
)
def test_the_formula_follows_the_published_weights():
    folder = research_file("emovoca/Normalized_d_weights.npy").parent
    published = read_vertex_weights(folder / "Normalized_d_weights.npy", 5023)
    assert published.sum().item() == pytest.approx(4118.174, abs=0.01)
    mesh = read_mesh(folder / "template.obj")
    embedding = read_published_embedding(folder, mesh.faces)
    ours = landmark_vertex_weights(mesh.vertices, embedding)
    assert np.corrcoef(ours, published)[0, 1] > 0.98
    assert (ours[np.unique(embedding.corners[17:])] == 1).all()
