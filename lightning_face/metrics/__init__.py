"""Measures of image quality and likeness, none of which needs torchvision."""

from __future__ import annotations

from lightning_face.metrics.dists import DISTS, DISTSNetwork
from lightning_face.metrics.fid_inception import FIDInception
from lightning_face.metrics.frechet_distance import FrechetDistance, frechet_distance
from lightning_face.metrics.lpips import LPIPS, LPIPSNetwork
from lightning_face.metrics.metric_table import MetricTable
from lightning_face.metrics.ssim import SSIM, ssim
from lightning_face.metrics.weight_file import WeightFile

__all__ = [
    "DISTS",
    "LPIPS",
    "SSIM",
    "DISTSNetwork",
    "FIDInception",
    "FrechetDistance",
    "LPIPSNetwork",
    "MetricTable",
    "WeightFile",
    "frechet_distance",
    "ssim",
]
