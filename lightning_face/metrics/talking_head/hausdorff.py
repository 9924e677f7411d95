"""How far two surfaces of any topology are apart at worst."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lightning_face.metrics.talking_head.nearest_points import nearest_squared_distances
from lightning_face.metrics.talking_head.running_mean import RunningMean
from lightning_face.metrics.talking_head.sequences import point_sets

__all__ = ["HausdorffDistance", "hausdorff_distance"]


def hausdorff_distance(
    pred: Tensor | Sequence[Tensor],
    target: Tensor | Sequence[Tensor],
    target_lengths: Tensor | None = None,
) -> Tensor:
    """Hausdorff distance of the vertex sets of each frame, in both directions.

    Args:
        pred: Predicted points ``(frames, points, 3)``, or a tensor ``(points, 3)`` a frame.
        target: True points of any number, in the same forms; the longer sequence is cut.
        target_lengths: True points of each frame that are no padding ``(frames,)``.

    Returns:
        The largest distance of a point to the other set, for each frame ``(frames,)``, in the
        unit of the points.
    """
    pairs = zip(
        point_sets("pred", pred), point_sets("target", target, target_lengths), strict=False
    )
    squares = [
        torch.maximum(
            nearest_squared_distances(first, second).amax(),
            nearest_squared_distances(second, first).amax(),
        )
        for first, second in pairs
    ]
    return torch.stack(squares).sqrt()


class HausdorffDistance(RunningMean):
    """Mean over all frames of the Hausdorff distance (HD), in the unit of the points."""

    @torch.no_grad()
    def update(
        self,
        pred: Tensor | Sequence[Tensor],
        target: Tensor | Sequence[Tensor],
        target_lengths: Tensor | None = None,
    ) -> None:
        """Add one sequence, see `hausdorff_distance`."""
        self.add(hausdorff_distance(pred, target, target_lengths))
