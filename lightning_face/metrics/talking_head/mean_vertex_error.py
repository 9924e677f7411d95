"""How far vertices are off on average."""

from __future__ import annotations

from torch import Tensor

from lightning_face.metrics.talking_head.running_mean import RunningMean
from lightning_face.metrics.talking_head.sequences import same_frames

__all__ = ["MeanVertexError", "mean_vertex_error"]


def mean_vertex_error(pred: Tensor, target: Tensor) -> Tensor:
    """Mean distance of corresponding vertices in each frame.

    Args:
        pred: Predicted vertices ``(frames, vertices, 3)``.
        target: True vertices; the longer sequence is cut to the shorter.

    Returns:
        The mean distance of each frame ``(frames,)`` in the unit of the vertices, float64.
    """
    pred, target = same_frames(pred, target)
    return (pred - target).norm(dim=-1).mean(dim=-1)


class MeanVertexError(RunningMean):
    """Mean distance over all vertices of all frames (MVE), in the unit of the vertices.

    Published tables give it in units of ``1e-3 m``.
    """

    def update(self, pred: Tensor, target: Tensor) -> None:
        """Add one sequence, see `mean_vertex_error`."""
        self.add(mean_vertex_error(pred, target))
