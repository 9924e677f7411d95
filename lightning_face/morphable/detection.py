"""Landmarks from pictures, found by MediaPipe."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError, WeightsError
from lightning_face.morphable.landmark_file import VideoLandmarks
from lightning_face.optional import optional_import

__all__ = ["MEDIAPIPE_MODEL", "detect_landmarks", "mediapipe_detector", "read_frames"]

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Detector = Callable[[Bytes], "Floats | None"]

MEDIAPIPE_MODEL = (
    "face_landmarker_v2_with_blendshapes.task, which is "
    "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/"
    "face_landmarker.task"
)


def read_frames(source: Path) -> Iterator[Bytes]:
    """Yield the pictures of a video file, or of a folder in the order of their numbers.

    Args:
        source: Video, or folder of pictures.

    Yields:
        RGB ``(height, width, 3)``.

    Raises:
        DataError: The source is missing, empty or unreadable.
    """
    if source.is_dir():
        from lightning_face.data.image_folder import list_images, read_image

        for path in sorted(list_images(source), key=_by_numbers):
            yield np.asarray(read_image(path))
        return
    from lightning_face.video import read_video

    for _, frame in read_video(source):
        yield frame


def detect_landmarks(frames: Iterable[Bytes], detector: Detector) -> VideoLandmarks:
    """Look for a face in every frame.

    Args:
        frames: RGB pictures ``(height, width, 3)``.
        detector: Returns the pixels ``(points, 2)`` of a picture's face, or None without one.

    Returns:
        Landmarks of all frames.

    Raises:
        DataError: There is no frame, or none has a face.
    """
    found = [detector(frame) for frame in frames]
    points = next((each for each in found if each is not None), None)
    if points is None:
        raise DataError(f"no face was found in any of {len(found)} frames")
    missing = np.full(points.shape, np.nan)
    landmarks = np.stack([missing if each is None else each for each in found])
    return VideoLandmarks(landmarks, np.array([each is not None for each in found]))


@contextmanager
def mediapipe_detector(model: Path | None) -> Iterator[Detector]:
    """Open MediaPipe's face landmarker; every frame is looked at by itself.

    Args:
        model: Its ``.task`` file.

    Yields:
        A function from an RGB picture to the 478 points ``(478, 2)`` of the most visible face in
        pixels, or None.

    Raises:
        WeightsError: The file is missing; the message says where it comes from.
        ConfigError: MediaPipe is not installed.
    """
    if model is None or not model.is_file():
        what = "give MediaPipe's model file" if model is None else f"no model file {model}; it is"
        raise WeightsError(f"{what} (--mediapipe-model): {MEDIAPIPE_MODEL}")
    mediapipe = optional_import("mediapipe", extra="landmarks")
    tasks = mediapipe.tasks
    options = tasks.vision.FaceLandmarkerOptions(
        base_options=tasks.BaseOptions(model_asset_path=str(model)),
        running_mode=tasks.vision.RunningMode.IMAGE,
        num_faces=1,
    )
    with tasks.vision.FaceLandmarker.create_from_options(options) as landmarker:

        def detect(frame: Bytes) -> Floats | None:
            data = np.ascontiguousarray(frame)
            image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=data)
            faces = landmarker.detect(image).face_landmarks
            if not faces:
                return None
            height, width = frame.shape[:2]
            return np.array([(point.x * width, point.y * height) for point in faces[0]])

        yield detect


def _by_numbers(path: Path) -> list[str | int]:
    """Sort key by which frame_10 comes after frame_9."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", str(path))]
