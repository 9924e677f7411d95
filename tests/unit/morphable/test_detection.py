"""Landmarks from pictures. MediaPipe itself is replaced by a module of the same interface."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from lightning_face.errors import ConfigError, DataError, WeightsError
from lightning_face.morphable.detection import (
    detect_landmarks,
    mediapipe_detector,
    read_frames,
)
from lightning_face.video import write_video


class Landmarker:
    """Puts 478 points on a row through the brightest pixel; black pictures have no face."""

    def __init__(self, options):
        self.options = options
        self.closed = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True

    def detect(self, image):
        frame = image.data
        assert frame.flags.c_contiguous
        if not frame.any():
            return SimpleNamespace(face_landmarks=[])
        row, column = np.unravel_index(frame[..., 0].argmax(), frame.shape[:2])
        y, x = (row + 0.5) / frame.shape[0], (column + 0.5) / frame.shape[1]
        points = [SimpleNamespace(x=x, y=y, z=i) for i in range(478)]
        return SimpleNamespace(face_landmarks=[points])


@pytest.fixture
def mediapipe(monkeypatch):
    opened = []

    def create(options):
        opened.append(Landmarker(options))
        return opened[-1]

    module = ModuleType("mediapipe")
    module.ImageFormat = SimpleNamespace(SRGB="srgb")
    module.Image = lambda image_format, data: SimpleNamespace(data=data)
    module.tasks = SimpleNamespace(
        BaseOptions=lambda model_asset_path: model_asset_path,
        vision=SimpleNamespace(
            RunningMode=SimpleNamespace(IMAGE="image"),
            FaceLandmarkerOptions=lambda **options: options,
            FaceLandmarker=SimpleNamespace(create_from_options=create),
        ),
    )
    monkeypatch.setitem(sys.modules, "mediapipe", module)
    return opened


def picture(row=None, column=None):
    frame = np.zeros((48, 64, 3), dtype=np.uint8)
    if row is not None:
        frame[row, column] = 255
    return frame


@pytest.fixture
def model_file(tmp_path):
    path = tmp_path / "face.task"
    path.write_bytes(b"weights")
    return path


def test_points_are_pixels_and_frames_without_a_face_are_marked(mediapipe, model_file):
    frames = [picture(), picture(10, 20), picture(), picture(47, 63)[:, ::-1]]
    with mediapipe_detector(model_file) as detector:
        found = detect_landmarks(frames, detector)
    assert found.landmarks.shape == (4, 478, 2)
    assert found.valid.tolist() == [False, True, False, True]
    np.testing.assert_allclose(found.landmarks[1], np.full((478, 2), (20.5, 10.5)))
    np.testing.assert_allclose(found.landmarks[3], np.full((478, 2), (0.5, 47.5)))
    assert np.isnan(found.landmarks[[0, 2]]).all()


def test_the_model_file_is_opened_for_one_face_and_closed(mediapipe, model_file):
    with mediapipe_detector(model_file):
        options = mediapipe[0].options
        assert options == {
            "base_options": str(model_file),
            "running_mode": "image",
            "num_faces": 1,
        }
    assert mediapipe[0].closed


def test_no_face_in_any_frame_is_one_error():
    with pytest.raises(DataError, match="no face was found in any of 2 frames"):
        detect_landmarks([picture(), picture()], lambda frame: None)


@pytest.mark.parametrize("given", [True, False])
def test_a_missing_model_file_says_where_it_comes_from(tmp_path, given):
    path = tmp_path / "absent.task" if given else None
    with (
        pytest.raises(WeightsError, match=r"face_landmarker_v2_with_blendshapes\.task.*https://"),
        mediapipe_detector(path),
    ):
        pass


def test_missing_mediapipe_says_what_to_install(model_file, monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    with pytest.raises(ConfigError, match="landmarks"), mediapipe_detector(model_file):
        pass


def test_frames_of_a_folder_come_in_the_order_of_their_numbers(tmp_path):
    for number in (10, 9, 1):
        Image.fromarray(picture(number, number)).save(tmp_path / f"frame_{number}_12.png")
    rows = [int(frame[..., 0].any(axis=1).argmax()) for frame in read_frames(tmp_path)]
    assert rows == [1, 9, 10]


def test_frames_of_a_video(tmp_path):
    pytest.importorskip("av")
    frames = [np.full((48, 64, 3), level, dtype=np.uint8) for level in (40, 120, 200)]
    write_video(tmp_path / "levels.mp4", frames, 25)
    levels = [float(frame.mean()) for frame in read_frames(tmp_path / "levels.mp4")]
    np.testing.assert_allclose(levels, [40, 120, 200], atol=4)


def test_an_empty_folder_is_one_error(tmp_path):
    with pytest.raises(DataError, match="no image"):
        next(read_frames(tmp_path))
