"""Loggers."""

from __future__ import annotations

from lightning_face.loggers.metrics_file import MetricsFile

__all__ = ["MetricsFile"]
