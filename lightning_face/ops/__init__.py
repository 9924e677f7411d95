"""Numerical kernels that several systems share."""

from __future__ import annotations

from lightning_face.ops.selective_scan import directional_scan, selective_scan
from lightning_face.ops.ss2d import cross_merge, cross_scan, cross_unscan, ss2d_scan

__all__ = [
    "cross_merge",
    "cross_scan",
    "cross_unscan",
    "directional_scan",
    "selective_scan",
    "ss2d_scan",
]
