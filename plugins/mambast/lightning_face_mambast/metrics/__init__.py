"""Measures of style transfer."""

from __future__ import annotations

from lightning_face_mambast.metrics.art_fid import (
    ArtFID,
    FrechetDistanceInfinity,
    art_fid,
    frechet_distance_infinity,
)
from lightning_face_mambast.metrics.art_inception import ArtInception
from lightning_face_mambast.metrics.cfsd import CFSD, CFSDNetwork, structural_distance
from lightning_face_mambast.metrics.color_histogram import (
    ColorDistance,
    color_histogram,
    hellinger_distance,
)

__all__ = [
    "CFSD",
    "ArtFID",
    "ArtInception",
    "CFSDNetwork",
    "ColorDistance",
    "FrechetDistanceInfinity",
    "art_fid",
    "color_histogram",
    "frechet_distance_infinity",
    "hellinger_distance",
    "structural_distance",
]
