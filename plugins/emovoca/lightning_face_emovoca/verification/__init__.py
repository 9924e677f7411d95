"""Whether a data set is sound: lips and expressions survive, surfaces stay whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightning_face.lazy import lazy_package

if TYPE_CHECKING:
    from lightning_face_emovoca.verification.findings import (
        Finding,
        judge_accuracy,
        judge_unit,
        summarize,
    )
    from lightning_face_emovoca.verification.motion_measures import HeadRegions
    from lightning_face_emovoca.verification.settings import Measure, VerificationSettings
    from lightning_face_emovoca.verification.unit_measures import UnitMeasurer, UnitMeasures

__all__ = [
    "Finding",
    "HeadRegions",
    "Measure",
    "UnitMeasurer",
    "UnitMeasures",
    "VerificationSettings",
    "judge_accuracy",
    "judge_unit",
    "summarize",
]

# settings are read before torch is needed
lazy_package(
    __name__,
    {
        "findings": ["Finding", "judge_accuracy", "judge_unit", "summarize"],
        "motion_measures": ["HeadRegions"],
        "settings": ["Measure", "VerificationSettings"],
        "unit_measures": ["UnitMeasurer", "UnitMeasures"],
    },
)
