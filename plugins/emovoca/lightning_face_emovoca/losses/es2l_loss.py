"""Loss of landmarks that speak."""

from __future__ import annotations

from torch import Tensor

from lightning_face_emovoca.landmarks import MOUTH

__all__ = ["es2l_loss"]


def es2l_loss(
    pred: Tensor,
    target: Tensor,
    mouth: slice = MOUTH,
    mouth_weight: float = 5.0,
    velocity_weight: float = 10.0,
    reconstruction_weight: float = 1.0,
) -> dict[str, Tensor]:
    """Compare predicted with true landmarks: where they are, those of the mouth, how they move.

    Args:
        pred: Predicted normalised landmarks (batch, frames, 3 * landmarks).
        target: True ones.
        mouth: Landmarks of the mouth.
        mouth_weight: Weight of the mouth's term.
        velocity_weight: Weight of the term of the differences of consecutive frames.
        reconstruction_weight: Weight of the term of all landmarks.

    Returns:
        ``loss``, and the unweighted means of squares ``reconstruction``, ``mouth`` and
        ``velocity``.

    Source:
        F. Nocentini et al., EmoVOCA, WACV 2025; weights of the published code.
    """
    error = pred - target
    squared = error.square()
    terms = {
        "reconstruction": squared.mean(),
        "mouth": squared.unflatten(-1, (-1, 3))[..., mouth, :].mean(),
        "velocity": error.diff(dim=-2).square().mean()
        if error.shape[-2] > 1
        # a single frame has no motion, and no mean of it
        else error.sum() * 0.0,
    }
    loss = (
        reconstruction_weight * terms["reconstruction"]
        + mouth_weight * terms["mouth"]
        + velocity_weight * terms["velocity"]
    )
    return {"loss": loss, **terms}
