"""The unit of length that losses are computed in."""

from __future__ import annotations

from typing import Literal

__all__ = ["METRES", "LossUnit"]

LossUnit = Literal["m", "mm"]

METRES: dict[LossUnit, float] = {"m": 1.0, "mm": 1000.0}
"""How many units a metre has.

Squared errors in square metres are of order 1e-7, and their gradients as small as what Adam adds
to its denominator, 1e-8: training hardly moves. Square millimetres are a million times larger.
"""
