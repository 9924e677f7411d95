"""How far lips are off where speaking a little faster or slower is forgiven."""

from __future__ import annotations

from torch import Tensor

from lightning_face.metrics.talking_head.frame_paths import best_path_cost, lip_distances
from lightning_face.metrics.talking_head.running_mean import RunningMean

__all__ = ["LipDynamicTimeWarping", "lip_dtw"]


def lip_dtw(pred: Tensor, target: Tensor, lips: Tensor) -> Tensor:
    """Dynamic time warping distance of the lips, without a window.

    The cost of a pair of frames is the mean distance of their lip vertices; the cost of a path is
    the sum over its pairs.

    Args:
        pred: Predicted vertices ``(frames, vertices, 3)``.
        target: True vertices ``(other frames, vertices, 3)``.
        lips: Indices of the lip vertices ``(lips,)``.

    Returns:
        The cost of the best path, a float64 scalar in the unit of the vertices.
    """
    return best_path_cost(lip_distances(pred, target, lips), "sum")


class LipDynamicTimeWarping(RunningMean):
    """Mean over sequences of the warping distance for each true frame, in the vertices' unit."""

    def update(self, pred: Tensor, target: Tensor, lips: Tensor) -> None:
        """Add one sequence, see `lip_dtw`; both may differ in length."""
        self.add(lip_dtw(pred, target, lips)[None] / len(target))
