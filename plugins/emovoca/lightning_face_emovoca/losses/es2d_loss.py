"""Loss of displacements of the vertices of a face."""

from __future__ import annotations

from torch import Tensor

__all__ = ["es2d_loss", "weighted_vertex_error"]


def weighted_vertex_error(pred: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Add up the weighted absolute errors of the vertices.

    Args:
        pred: Predicted positions or displacements (batch, vertices, 3).
        target: True ones.
        weights: Weight of each vertex (vertices,).

    Returns:
        Sum over vertices, mean over batch and coordinates, in the unit of the positions.

    Source:
        F. Nocentini et al., EmoVOCA, WACV 2025; the published code sums over vertices.
    """
    return ((pred - target).abs() * weights[:, None]).sum(dim=-2).mean()


def es2d_loss(
    pred: Tensor, target: Tensor, weights: Tensor, displacement_weight: float = 0.1
) -> dict[str, Tensor]:
    """Compare predicted with true displacements of a neutral face.

    The errors of displacements are those of the positions, whose difference is the same face.

    Args:
        pred: Predicted displacements (batch, vertices, 3).
        target: True ones, in the same unit.
        weights: Weight of each vertex (vertices,), see `read_vertex_weights`.
        displacement_weight: Weight of the second term.

    Returns:
        ``loss``, the weighted sum ``weighted_l1``, and the mean ``displacement_l1``, in the unit
        of the displacements.

    Source:
        F. Nocentini et al., EmoVOCA, WACV 2025; weight of the published code.
    """
    weighted = weighted_vertex_error(pred, target, weights)
    mean = (pred - target).abs().mean()
    return {
        "loss": weighted + displacement_weight * mean,
        "weighted_l1": weighted,
        "displacement_l1": mean,
    }
