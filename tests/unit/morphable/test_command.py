"""The command ``fit-3dmm``."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

from lightning_face.errors import ConfigError, DataError, WeightsError
from lightning_face.mesh import Mesh, read_mesh, write_mesh
from lightning_face.morphable import detection, fit_video
from lightning_face.morphable.command import main

pytest.importorskip("numba")
pytest.importorskip("trimesh")


@pytest.fixture
def files(tmp_path, model):
    """Options that name a model on disk, and the folder for results."""
    np.savez(
        tmp_path / "bases.npz",
        identity_components=model.identity.components,
        identity_weights=model.identity.weights,
        expression_components=model.expression.components,
        expression_weights=model.expression.weights,
        **{f"landmarks_{name}": vertices for name, vertices in model.landmarks.items()},
    )
    write_mesh(tmp_path / "mean.obj", Mesh(model.mean, model.faces))
    output = tmp_path / "fit"
    return [
        *("--bases", str(tmp_path / "bases.npz"), "--mean", str(tmp_path / "mean.obj")),
        *("-o", str(output)),
    ], output


@pytest.fixture
def landmark_file(tmp_path, make_landmarks):
    landmarks, *_ = make_landmarks(9, noise=0.5)
    landmarks[4] = np.nan
    np.savez(tmp_path / "landmarks.npz", landmarks=landmarks)
    return tmp_path / "landmarks.npz"


@pytest.mark.parametrize("legacy", [False, True])
def test_coefficients_picture_and_meshes(files, landmark_file, model, vertices, capsys, legacy):
    options, output = files
    words = [str(landmark_file), *options, "--regularization", "5", "--meshes", "ply"]
    assert main([*words, *(["--legacy"] if legacy else [])]) == 0
    landmarks = np.load(landmark_file)["landmarks"]
    valid = np.isfinite(landmarks).all(axis=(1, 2))
    fit = fit_video(landmarks, model, vertices, valid, 5.0, translate_components=legacy)
    written = np.load(output / "coefficients.npz")
    # the mean went through the 8 decimals of an OBJ file
    np.testing.assert_allclose(written["alphas"], fit.expression, atol=1e-6)
    np.testing.assert_allclose(written["identity"], fit.identity, atol=1e-6)
    np.testing.assert_allclose(written["camera_matrix"], fit.cameras.matrix, rtol=1e-3)
    np.testing.assert_allclose(written["reprojection_error"], fit.reprojection_error, atol=1e-3)
    np.testing.assert_array_equal(written["valid"], valid)
    grid = np.asarray(Image.open(output / "overlay.png"))
    assert grid.shape == (640, 6 * 320, 3)
    assert len(np.unique(grid[320:].reshape(-1, 3), axis=0)) > 50
    meshes = sorted(path.name for path in (output / "meshes").iterdir())
    assert meshes == [f"frame_0000{number}.ply" for number in (0, 1, 2, 3, 5, 6, 7, 8)]
    shape = model.expression.deform(fit.identity_shape, fit.expression[7])
    mesh = read_mesh(output / "meshes" / "frame_00007.ply")
    np.testing.assert_allclose(mesh.vertices, shape, atol=1e-6)
    printed = capsys.readouterr().out
    assert "frames              9, with a face 8" in printed
    assert f"mean {np.nanmean(fit.reprojection_error):.2f} px" in printed


def test_a_folder_of_frames(files, tmp_path, model, monkeypatch, make_landmarks):
    options, output = files
    frames = tmp_path / "frames"
    frames.mkdir()
    for number in range(12):
        Image.new("RGB", (64, 48), (0, number, 200)).save(frames / f"frame_{number}.png")
    rng = np.random.default_rng(0)
    points = rng.uniform(10, 40, size=(12, 478, 2))

    @contextmanager
    def detector(model_file):
        yield lambda frame: None if frame[0, 0, 1] == 3 else points[frame[0, 0, 1]]

    monkeypatch.setattr(detection, "mediapipe_detector", detector)
    assert main([str(frames), *options]) == 0
    written = np.load(output / "landmarks.npz")
    assert written["valid"].tolist() == [number != 3 for number in range(12)]
    np.testing.assert_array_equal(written["landmarks"][11], points[11])
    grid = np.asarray(Image.open(output / "overlay.png"))
    # the frames themselves are behind the points
    for column, number in ((0, 0), (5, 11)):
        tile = grid[:320, column * 320 : (column + 1) * 320]
        assert (tile == (0, number, 200)).all(axis=-1).any()


def test_a_video_needs_the_model_file(files, tmp_path):
    video = tmp_path / "face.mp4"
    video.write_bytes(b"")
    with pytest.raises(WeightsError, match="--mediapipe-model"):
        main([str(video), *files[0]])


def test_a_video_has_no_68_points(files, tmp_path):
    with pytest.raises(ConfigError, match="landmark file"):
        main([str(tmp_path), *files[0], "--landmarks-set", "ibug68"])


def test_a_missing_source_is_one_error(files, tmp_path):
    with pytest.raises(DataError, match="no file or folder"):
        main([str(tmp_path / "absent.npz"), *files[0]])


def test_the_wrong_landmark_set_is_one_error(files, landmark_file):
    with pytest.raises(DataError, match="68 landmarks, but the model's list has 478"):
        main([str(landmark_file), *files[0], "--landmarks-set", "mediapipe478"])


def test_an_unknown_number_of_points_is_one_error(files, tmp_path):
    np.savez(tmp_path / "points.npz", landmarks=np.zeros((2, 70, 2)))
    with pytest.raises(DataError, match="70 points, neither 68 nor 478"):
        main([str(tmp_path / "points.npz"), *files[0]])


def test_a_model_without_landmark_lists_asks_for_one(files, landmark_file, tmp_path):
    arrays = dict(np.load(tmp_path / "bases.npz"))
    lists = {name: arrays.pop(name) for name in list(arrays) if name.startswith("landmarks_")}
    np.savez(tmp_path / "bases.npz", **arrays)
    with pytest.raises(DataError, match="give --landmark-vertices"):
        main([str(landmark_file), *files[0]])
    np.save(tmp_path / "vertices.npy", lists["landmarks_ibug68"])
    words = ["--landmark-vertices", str(tmp_path / "vertices.npy")]
    assert main([str(landmark_file), *files[0], *words]) == 0
