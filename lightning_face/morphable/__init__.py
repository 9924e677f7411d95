"""Linear 3D morphable face models and their fit to landmarks of pictures and videos."""

from __future__ import annotations

from lightning_face.morphable.camera import affine_camera
from lightning_face.morphable.fitting import LandmarkFit, fit_landmarks
from lightning_face.morphable.model import Basis, LinearFaceModel
from lightning_face.morphable.model_file import read_face_model
from lightning_face.morphable.video_fit import VideoFit, fit_video
from lightning_face.render.camera import AffineCamera, Pose

__all__ = [
    "AffineCamera",
    "Basis",
    "LandmarkFit",
    "LinearFaceModel",
    "Pose",
    "VideoFit",
    "affine_camera",
    "fit_landmarks",
    "fit_video",
    "read_face_model",
]
