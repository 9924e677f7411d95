"""How far the worst vertex of the whole face is off."""

from __future__ import annotations

from torch import Tensor

from lightning_face.metrics.talking_head.running_mean import RunningMean
from lightning_face.metrics.talking_head.sequences import same_frames

__all__ = ["VertexMaxSquaredError", "vertex_max_squared_error"]


def vertex_max_squared_error(pred: Tensor, target: Tensor) -> Tensor:
    """Largest squared distance of a vertex in each frame.

    Source: the class called MVE of the published trainer of dense meshes, which is no mean over
    vertices.

    Args:
        pred: Predicted vertices ``(frames, vertices, 3)``.
        target: True vertices; the longer sequence is cut to the shorter.

    Returns:
        The largest squared distance of each frame ``(frames,)``, float64, in square metres where
        vertices are in metres.
    """
    pred, target = same_frames(pred, target)
    return (pred - target).square().sum(dim=-1).amax(dim=-1)


class VertexMaxSquaredError(RunningMean):
    """Mean over all frames of the largest squared distance of a vertex."""

    def update(self, pred: Tensor, target: Tensor) -> None:
        """Add one sequence, see `vertex_max_squared_error`."""
        self.add(vertex_max_squared_error(pred, target))
