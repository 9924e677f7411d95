"""How far two surfaces of any topology are apart on average."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lightning_face.metrics.talking_head.nearest_points import nearest_squared_distances
from lightning_face.metrics.talking_head.running_mean import RunningMean
from lightning_face.metrics.talking_head.sequences import point_sets

__all__ = ["ChamferDistance", "chamfer_distance"]


def chamfer_distance(
    pred: Tensor | Sequence[Tensor],
    target: Tensor | Sequence[Tensor],
    target_lengths: Tensor | None = None,
) -> Tensor:
    """Chamfer distance of the vertex sets of each frame, differentiable in both.

    It is the mean squared distance of the predicted points to their nearest true ones, plus that
    of the true points to their nearest predicted ones.

    Args:
        pred: Predicted points ``(frames, points, 3)``, or a tensor ``(points, 3)`` a frame.
        target: True points of any number, in the same forms; the longer sequence is cut.
        target_lengths: True points of each frame that are no padding ``(frames,)``.

    Returns:
        The distance of each frame ``(frames,)``, in square metres where points are in metres.
    """
    pairs = zip(
        point_sets("pred", pred), point_sets("target", target, target_lengths), strict=False
    )
    return torch.stack(
        [
            nearest_squared_distances(first, second).mean()
            + nearest_squared_distances(second, first).mean()
            for first, second in pairs
        ]
    )


class ChamferDistance(RunningMean):
    """Mean over all frames of the Chamfer distance, of the squares of the points' unit."""

    @torch.no_grad()
    def update(
        self,
        pred: Tensor | Sequence[Tensor],
        target: Tensor | Sequence[Tensor],
        target_lengths: Tensor | None = None,
    ) -> None:
        """Add one sequence, see `chamfer_distance`."""
        self.add(chamfer_distance(pred, target, target_lengths))
