"""Callbacks: those of every run, and those that a configuration adds by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lightning_face.callbacks.ema import EMA
from lightning_face.callbacks.export_weights import ExportWeights
from lightning_face.callbacks.finite_loss import FiniteLoss
from lightning_face.callbacks.image_grid import ImageGrid
from lightning_face.callbacks.metrics_rewind import MetricsRewind
from lightning_face.callbacks.progress_keeper import ProgressKeeper
from lightning_face.callbacks.random_state_keeper import RandomStateKeeper

if TYPE_CHECKING:
    from lightning_face.callbacks.report import Report

__all__ = [
    "EMA",
    "ExportWeights",
    "FiniteLoss",
    "ImageGrid",
    "MetricsRewind",
    "ProgressKeeper",
    "RandomStateKeeper",
    "Report",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import the report on first use: only a run that ends needs its drawing code."""
    if name == "Report":
        from lightning_face.callbacks.report import Report

        return Report
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
