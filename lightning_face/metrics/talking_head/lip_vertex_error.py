"""How far the worst vertex of the lips is off."""

from __future__ import annotations

from torch import Tensor

from lightning_face.metrics.talking_head.running_mean import RunningMean
from lightning_face.metrics.talking_head.sequences import same_frames

__all__ = ["LipVertexError", "lip_vertex_error"]


def lip_vertex_error(pred: Tensor, target: Tensor, lips: Tensor) -> Tensor:
    """Largest squared distance of a lip vertex in each frame.

    Args:
        pred: Predicted vertices ``(frames, vertices, 3)``.
        target: True vertices; the longer sequence is cut to the shorter.
        lips: Indices of the lip vertices ``(lips,)``.

    Returns:
        The largest squared distance of each frame ``(frames,)``, float64, in square metres where
        vertices are in metres.
    """
    pred, target = same_frames(pred, target)
    return (pred[:, lips] - target[:, lips]).square().sum(dim=-1).amax(dim=-1)


class LipVertexError(RunningMean):
    """Mean over all frames of the largest squared distance of a lip vertex (LVE).

    Long sequences weigh more than short ones. Published tables give it in units of ``1e-5 m^2``.
    """

    def update(self, pred: Tensor, target: Tensor, lips: Tensor) -> None:
        """Add one sequence, see `lip_vertex_error`."""
        self.add(lip_vertex_error(pred, target, lips))
