"""Measures of image quality and likeness, none of which needs torchvision."""

from __future__ import annotations

from lightning_face.metrics.frechet_distance import FrechetDistance, frechet_distance
from lightning_face.metrics.lpips import LPIPS, LPIPSNetwork
from lightning_face.metrics.weight_file import WeightFile

__all__ = ["LPIPS", "FrechetDistance", "LPIPSNetwork", "WeightFile", "frechet_distance"]
