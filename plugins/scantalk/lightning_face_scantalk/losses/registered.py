"""Losses of sequences whose vertices correspond to those of the truth."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn.functional import cosine_similarity, mse_loss

__all__ = ["VelocityAxis", "masked_loss", "squared_error_loss", "weighted_loss"]

VelocityAxis = Literal["time", "vertex"]

_AXES: dict[VelocityAxis, int] = {"time": 0, "vertex": 1}


def squared_error_loss(pred: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Mean squared error of all coordinates.

    Source: the published training of ScanTalk (section 3 of the paper).

    Args:
        pred: Predicted vertices ``(frames, vertices, 3)``.
        target: True vertices, same shape.

    Returns:
        ``loss``, a float32 scalar in squares of the vertices' unit.

    Raises:
        ValueError: The shapes differ.
    """
    pred, target = _checked(pred, target)
    return {"loss": mse_loss(pred, target)}


def masked_loss(
    pred: Tensor, target: Tensor, lips: Tensor, velocity_axis: VelocityAxis = "time"
) -> dict[str, Tensor]:
    """Squared error of everything, of the lips once more, and of velocities.

    Source: the published training with masks and velocities. It takes differences of neighbouring
    vertex numbers, ``velocity_axis="vertex"``, where those of neighbouring frames are meant.

    Args:
        pred: Predicted vertices ``(frames, vertices, 3)``.
        target: True vertices, same shape.
        lips: Indices of the lip vertices ``(lips,)``.
        velocity_axis: What velocities are differences along: ``time`` or ``vertex``.

    Returns:
        Float32 scalars: ``rec``, ``mouth``, ``velocity`` and their sum ``loss``, in squares of
        the vertices' unit.

    Raises:
        ValueError: The shapes differ.
    """
    pred, target = _checked(pred, target)
    terms = {
        "rec": mse_loss(pred, target),
        "mouth": mse_loss(pred[:, lips], target[:, lips]),
        "velocity": _velocity_error(pred, target, velocity_axis),
    }
    return {**terms, "loss": terms["rec"] + terms["mouth"] + terms["velocity"]}


def weighted_loss(
    pred: Tensor,
    target: Tensor,
    neutral: Tensor,
    lips: Tensor,
    rec_weight: float = 1.0,
    mouth_weight: float = 5.0,
    velocity_weight: float = 10.0,
    cosine_weight: float = 1e-4,
) -> dict[str, Tensor]:
    """Squared errors of vertices, lips and velocities, and the direction of displacements.

    Source: the weights of the development code of ScanTalk, with velocities along time; the
    cosine term of the authors' work on landmarks.

    Args:
        pred: Predicted vertices ``(frames, vertices, 3)``.
        target: True vertices, same shape.
        neutral: Neutral face of the speaker ``(vertices, 3)``.
        lips: Indices of the lip vertices ``(lips,)``.
        rec_weight: Weight of the squared error of all vertices.
        mouth_weight: Weight of the squared error of the lips.
        velocity_weight: Weight of the squared error of changes from frame to frame.
        cosine_weight: Weight of one minus the cosine between displacements, which has no unit.

    Returns:
        Float32 scalars: ``rec``, ``mouth``, ``velocity``, ``cosine``, all unweighted, and their
        weighted sum ``loss``.

    Raises:
        ValueError: The shapes differ.
    """
    pred, target = _checked(pred, target)
    neutral = neutral.float()
    terms = {
        "rec": mse_loss(pred, target),
        "mouth": mse_loss(pred[:, lips], target[:, lips]),
        "velocity": _velocity_error(pred, target, "time"),
        "cosine": (1 - cosine_similarity(pred - neutral, target - neutral, dim=-1)).mean(),
    }
    total = (
        rec_weight * terms["rec"]
        + mouth_weight * terms["mouth"]
        + velocity_weight * terms["velocity"]
        + cosine_weight * terms["cosine"]
    )
    return {**terms, "loss": total}


def _checked(pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    # shapes that differ by an axis of length 1 would be broadcast without a word
    if pred.shape != target.shape or pred.dim() != 3:
        msg = (
            "expected two tensors (frames, vertices, 3), got "
            f"{tuple(pred.shape)} and {tuple(target.shape)}"
        )
        raise ValueError(msg)
    return pred.float(), target.float()


def _velocity_error(pred: Tensor, target: Tensor, axis: VelocityAxis) -> Tensor:
    dim = _AXES[axis]
    # a sequence of one frame has no velocity
    if pred.shape[dim] < 2:
        return pred.new_zeros(())
    return mse_loss(pred.diff(dim=dim), target.diff(dim=dim))
