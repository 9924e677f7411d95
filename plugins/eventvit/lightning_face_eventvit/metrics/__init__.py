"""Measures of action recognition and of coefficient regression."""

from __future__ import annotations

from lightning_face_eventvit.metrics.alpha_regression import AlphaRegressionMetrics
from lightning_face_eventvit.metrics.batchwise import BatchwiseClassification
from lightning_face_eventvit.metrics.classification import (
    ClassificationMetrics,
    balanced_accuracy,
    macro_f1,
    recalls,
)
from lightning_face_eventvit.metrics.user_bootstrap import UserBootstrap
from lightning_face_eventvit.metrics.vertex_distance import MeanVertexDistance

__all__ = [
    "AlphaRegressionMetrics",
    "BatchwiseClassification",
    "ClassificationMetrics",
    "MeanVertexDistance",
    "UserBootstrap",
    "balanced_accuracy",
    "macro_f1",
    "recalls",
]
