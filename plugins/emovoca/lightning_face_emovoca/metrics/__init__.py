"""Measures of emotional talking heads, beside those of all talking heads in the core."""

from __future__ import annotations

from lightning_face_emovoca.metrics.emotion_accuracy import EmotionAccuracy
from lightning_face_emovoca.metrics.intensity_monotonicity import IntensityMonotonicity
from lightning_face_emovoca.metrics.label_means import LabelMeans
from lightning_face_emovoca.metrics.lip_aperture import LipApertureCorrelation, lip_aperture
from lightning_face_emovoca.metrics.vertex_max_squared_error import (
    VertexMaxSquaredError,
    vertex_max_squared_error,
)

__all__ = [
    "EmotionAccuracy",
    "IntensityMonotonicity",
    "LabelMeans",
    "LipApertureCorrelation",
    "VertexMaxSquaredError",
    "lip_aperture",
    "vertex_max_squared_error",
]
