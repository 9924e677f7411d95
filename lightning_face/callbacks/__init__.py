"""Callbacks: those of every run, and those that a configuration adds by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightning_face.callbacks.ema import EMA, EMASchedule
from lightning_face.callbacks.export_weights import ExportWeights
from lightning_face.callbacks.finite_loss import FiniteLoss
from lightning_face.callbacks.image_grid import ImageGrid
from lightning_face.callbacks.metrics_rewind import MetricsRewind
from lightning_face.callbacks.progress_keeper import ProgressKeeper
from lightning_face.callbacks.random_state_keeper import RandomStateKeeper
from lightning_face.lazy import lazy_package

if TYPE_CHECKING:
    from lightning_face.callbacks.report import Report

__all__ = [
    "EMA",
    "EMASchedule",
    "ExportWeights",
    "FiniteLoss",
    "ImageGrid",
    "MetricsRewind",
    "ProgressKeeper",
    "RandomStateKeeper",
    "Report",
]

# only a run that ends needs the drawing code of the report
lazy_package(__name__, {"report": ("Report",)})
