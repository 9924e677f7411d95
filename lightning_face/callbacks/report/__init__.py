"""The page that sums up a run."""

from __future__ import annotations

from lightning_face.callbacks.report.callback import Report

__all__ = ["Report"]
