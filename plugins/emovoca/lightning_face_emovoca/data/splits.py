"""Which actors train, validate and are tested."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

__all__ = ["PARTS", "SPLIT", "PartName"]

PartName = Literal["train", "validation", "test"]

PARTS: tuple[PartName, ...] = ("train", "validation", "test")

SPLIT: Mapping[PartName, tuple[str, ...]] = {
    "train": (
        "FaceTalk_170728_03272_TA",
        "FaceTalk_170904_00128_TA",
        "FaceTalk_170725_00137_TA",
        "FaceTalk_170915_00223_TA",
        "FaceTalk_170811_03274_TA",
        "FaceTalk_170913_03279_TA",
        "FaceTalk_170904_03276_TA",
        "FaceTalk_170912_03278_TA",
    ),
    "validation": ("FaceTalk_170811_03275_TA", "FaceTalk_170908_03277_TA"),
    "test": ("FaceTalk_170809_00138_TA", "FaceTalk_170731_00024_TA"),
}
"""Actors of each part, as in the published code, the same for both stages of the generator."""
