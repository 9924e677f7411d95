"""How far apart two faces are that differ in their expression coefficients."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

__all__ = ["MeanVertexDistance"]

_FRAMES = 64
_MILLIMETRES = 1000.0


class MeanVertexDistance(Metric):
    """Mean distance in millimetres of the vertices of faces rebuilt from two sets of coefficients.

    A linear basis makes the difference of two faces the face of the difference, so that no mean
    face is needed.

    Args:
        components: Expression basis in metres ``(3 * vertices, coefficients)``, the axes of a
            vertex in consecutive rows.
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False

    components: Tensor
    total: Tensor
    frames: Tensor

    def __init__(self, components: Tensor, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(**kwargs)
        self.register_buffer("components", components.float(), persistent=False)
        self.add_state("total", torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("frames", torch.tensor(0), dist_reduce_fx="sum")

    @torch.no_grad()
    def update(self, pred: Tensor, target: Tensor) -> None:
        """Add frames.

        Args:
            pred: Predicted coefficients ``(frames, coefficients)``, raw, not standardised.
            target: Fitted coefficients, same shape.
        """
        # all vertices of a few frames at a time: those of a whole test set would not fit
        for difference in (pred.float() - target.float()).split(_FRAMES):
            moved = (difference @ self.components.T).unflatten(1, (-1, 3))
            self.total += moved.norm(dim=-1).mean(dim=-1).sum()
        self.frames += len(pred)

    def compute(self) -> Tensor:
        """Return the mean over frames and vertices in millimetres."""
        return (_MILLIMETRES * self.total / self.frames).float()
