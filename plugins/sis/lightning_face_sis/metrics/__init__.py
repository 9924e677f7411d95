"""Measures of synthesised faces."""

from __future__ import annotations

from lightning_face_sis.metrics.face_parser import FaceParser
from lightning_face_sis.metrics.identity_attack import IdentityAttack, attack_rates
from lightning_face_sis.metrics.identity_similarity import IdentitySimilarity
from lightning_face_sis.metrics.identity_threshold import verification_threshold
from lightning_face_sis.metrics.sample_diversity import SampleDiversity
from lightning_face_sis.metrics.segmentation import (
    SegmentationQuality,
    class_iou,
    mean_iou,
    pixel_accuracy,
)
from lightning_face_sis.metrics.swap_locality import SwapLocality

__all__ = [
    "FaceParser",
    "IdentityAttack",
    "IdentitySimilarity",
    "SampleDiversity",
    "SegmentationQuality",
    "SwapLocality",
    "attack_rates",
    "class_iou",
    "mean_iou",
    "pixel_accuracy",
    "verification_threshold",
]
