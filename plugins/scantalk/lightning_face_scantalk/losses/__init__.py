"""What talking heads are trained on."""

from __future__ import annotations

from lightning_face_scantalk.losses.kernel_loss import Kernel, kernel_loss
from lightning_face_scantalk.losses.loss_unit import METRES, LossUnit
from lightning_face_scantalk.losses.registered import (
    VelocityAxis,
    masked_loss,
    squared_error_loss,
    weighted_loss,
)
from lightning_face_scantalk.losses.unregistered import (
    chamfer_loss,
    surface_loss,
    varifold_loss,
)

__all__ = [
    "METRES",
    "Kernel",
    "LossUnit",
    "VelocityAxis",
    "chamfer_loss",
    "kernel_loss",
    "masked_loss",
    "squared_error_loss",
    "surface_loss",
    "varifold_loss",
    "weighted_loss",
]
