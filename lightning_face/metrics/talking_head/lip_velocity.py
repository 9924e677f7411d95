"""Whether lips move from frame to frame as they should."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn.functional import cosine_similarity

from lightning_face.metrics.talking_head.running_mean import RunningMeans
from lightning_face.metrics.talking_head.sequences import same_frames

__all__ = ["LipVelocity", "compare_lip_velocities"]


def compare_lip_velocities(
    pred: Tensor, target: Tensor, lips: Tensor, fps: float
) -> dict[str, Tensor]:
    """Compare the changes of the lip vertices from frame to frame.

    Args:
        pred: Predicted vertices ``(frames, vertices, 3)``, at least two frames.
        target: True vertices; the longer sequence is cut to the shorter.
        lips: Indices of the lip vertices ``(lips,)``.
        fps: Frames in a second.

    Returns:
        Float64 scalars: ``l2``, the mean distance of changes in the unit of the vertices,
        ``l2_per_second``, the same for a second instead of a frame, and ``cosine``, the mean of
        one minus the cosine of the angle between changes, in [0, 2].

    Raises:
        ValueError: There is one frame only, and so no change.
    """
    pred, target = same_frames(pred, target)
    if len(pred) < 2:
        msg = "velocities need at least two frames, got one"
        raise ValueError(msg)
    first, second = (each[:, lips].diff(dim=0) for each in (pred, target))
    distance = (first - second).norm(dim=-1).mean()
    return {
        "l2": distance,
        "l2_per_second": distance * fps,
        "cosine": (1 - cosine_similarity(first, second, dim=-1)).mean(),
    }


class LipVelocity(RunningMeans):
    """Means over sequences of the differences of lip velocities, see `compare_lip_velocities`."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(("l2", "l2_per_second", "cosine"), **kwargs)

    def update(self, pred: Tensor, target: Tensor, lips: Tensor, fps: float) -> None:
        """Add one sequence, see `compare_lip_velocities`."""
        self.add(compare_lip_velocities(pred, target, lips, fps))
