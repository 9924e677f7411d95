"""Whether the mouth opens when and as far as it should."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from lightning_face.metrics.talking_head.running_mean import RunningMeans
from lightning_face.metrics.talking_head.sequences import check_sequence, same_frames

__all__ = ["MouthOpening", "compare_mouth_openings", "mouth_opening"]


def mouth_opening(vertices: Tensor, upper_lip: Tensor, lower_lip: Tensor) -> Tensor:
    """Distance between the centres of the upper and the lower lip in each frame.

    Args:
        vertices: Vertices ``(frames, vertices, 3)``.
        upper_lip: Indices of the vertices of the upper lip ``(upper,)``.
        lower_lip: Indices of the vertices of the lower lip ``(lower,)``.

    Returns:
        Openings ``(frames,)`` in the unit of the vertices, float64.
    """
    check_sequence("vertices", vertices)
    upper, lower = (vertices[:, lip].double().mean(dim=1) for lip in (upper_lip, lower_lip))
    return (upper - lower).norm(dim=-1)


def compare_mouth_openings(
    pred: Tensor, target: Tensor, upper_lip: Tensor, lower_lip: Tensor
) -> dict[str, Tensor]:
    """Compare the openings of the mouth of a predicted and a true sequence.

    Args:
        pred: Predicted vertices ``(frames, vertices, 3)``.
        target: True vertices; the longer sequence is cut to the shorter.
        upper_lip: Indices of the vertices of the upper lip ``(upper,)``.
        lower_lip: Indices of the vertices of the lower lip ``(lower,)``.

    Returns:
        Float64 scalars: ``mean_abs`` and ``max_abs`` of the difference, ``velocity_abs``, the
        mean absolute difference of the changes from frame to frame, all in the unit of the
        vertices, and the Pearson ``correlation``, 0 where either mouth does not move.
    """
    pred, target = same_frames(pred, target)
    first, second = (mouth_opening(each, upper_lip, lower_lip) for each in (pred, target))
    difference = first - second
    changes = difference.diff().abs()
    return {
        "mean_abs": difference.abs().mean(),
        "max_abs": difference.abs().amax(),
        "velocity_abs": changes.mean() if len(changes) else difference.new_zeros(()),
        "correlation": _correlation(first, second),
    }


def _correlation(first: Tensor, second: Tensor) -> Tensor:
    centred = [curve - curve.mean() for curve in (first, second)]
    # rounding alone makes a constant curve wave by 1e-16 of its height
    for curve, wave in zip((first, second), centred, strict=True):
        if wave.norm() <= 1e-9 * curve.norm():
            return first.new_zeros(())
    return (centred[0] * centred[1]).sum() / (centred[0].norm() * centred[1].norm())


class MouthOpening(RunningMeans):
    """Means over sequences of the differences of mouth openings, see `compare_mouth_openings`."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(("mean_abs", "max_abs", "velocity_abs", "correlation"), **kwargs)

    def update(self, pred: Tensor, target: Tensor, upper_lip: Tensor, lower_lip: Tensor) -> None:
        """Add one sequence, see `compare_mouth_openings`."""
        self.add(compare_mouth_openings(pred, target, upper_lip, lower_lip))
