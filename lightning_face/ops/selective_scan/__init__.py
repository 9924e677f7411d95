"""Selective state-space scan, with one interface over several implementations."""

from __future__ import annotations

from lightning_face.ops.selective_scan.backends import (
    BackendStatus,
    available_backends,
    choose_backend,
)
from lightning_face.ops.selective_scan.operator import directional_scan
from lightning_face.ops.selective_scan.sequence import selective_scan

__all__ = [
    "BackendStatus",
    "available_backends",
    "choose_backend",
    "directional_scan",
    "selective_scan",
]
