"""How far lips are off at worst where speaking a little faster or slower is forgiven."""

from __future__ import annotations

from torch import Tensor

from lightning_face.metrics.talking_head.frame_paths import best_path_cost, lip_distances
from lightning_face.metrics.talking_head.running_mean import RunningMean

__all__ = ["LipDiscreteFrechetDistance", "lip_frechet_distance"]


def lip_frechet_distance(pred: Tensor, target: Tensor, lips: Tensor) -> Tensor:
    """Discrete Frechet distance of the lips.

    The cost of a pair of frames is the mean distance of their lip vertices; the cost of a path is
    that of its worst pair.

    Args:
        pred: Predicted vertices ``(frames, vertices, 3)``.
        target: True vertices ``(other frames, vertices, 3)``.
        lips: Indices of the lip vertices ``(lips,)``.

    Returns:
        The cost of the best path, a float64 scalar in the unit of the vertices.
    """
    return best_path_cost(lip_distances(pred, target, lips), "max")


class LipDiscreteFrechetDistance(RunningMean):
    """Mean over sequences of the discrete Frechet distance of the lips, in the vertices' unit."""

    def update(self, pred: Tensor, target: Tensor, lips: Tensor) -> None:
        """Add one sequence, see `lip_frechet_distance`; both may differ in length."""
        self.add(lip_frechet_distance(pred, target, lips)[None])
