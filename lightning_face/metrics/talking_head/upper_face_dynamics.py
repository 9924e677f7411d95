"""Whether the upper face moves as much as it should."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from lightning_face.metrics.talking_head.running_mean import RunningMeans
from lightning_face.metrics.talking_head.sequences import same_frames

__all__ = ["UpperFaceDynamicsDeviation", "upper_face_dynamics_deviation"]


def upper_face_dynamics_deviation(
    pred: Tensor, target: Tensor, template: Tensor, upper: Tensor
) -> Tensor:
    """True minus predicted liveliness of the upper face.

    The liveliness of a vertex is the population standard deviation over time of the squared
    distance to its neutral place.

    Args:
        pred: Predicted vertices ``(frames, vertices, 3)``.
        target: True vertices; the longer sequence is cut to the shorter.
        template: Neutral face of the speaker ``(vertices, 3)``.
        upper: Indices of the vertices of the upper face ``(upper,)``.

    Returns:
        The mean over these vertices, a float64 scalar: positive where the prediction moves too
        little; in square metres where vertices are in metres.
    """
    pred, target = same_frames(pred, target)
    neutral = template[upper].double()

    def liveliness(vertices: Tensor) -> Tensor:
        squares = (vertices[:, upper] - neutral).square().sum(dim=-1)
        return squares.std(dim=0, correction=0).mean()

    return liveliness(target) - liveliness(pred)


class UpperFaceDynamicsDeviation(RunningMeans):
    """Mean over sequences of the upper-face dynamics deviation (FDD).

    ``compute`` returns ``signed``, the mean, and ``absolute``, the mean of absolute values.
    Published tables give it in units of ``1e-7 m^2``.
    """

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(("signed", "absolute"), **kwargs)

    def update(self, pred: Tensor, target: Tensor, template: Tensor, upper: Tensor) -> None:
        """Add one sequence, see `upper_face_dynamics_deviation`."""
        deviation = upper_face_dynamics_deviation(pred, target, template, upper)
        self.add({"signed": deviation, "absolute": deviation.abs()})
