"""Losses of sequences whose truth is a surface that changes from frame to frame."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from lightning_face.metrics.talking_head import chamfer_distance, squared_varifold_distance
from lightning_face_scantalk.losses.point_to_surface import point_to_surface

__all__ = ["chamfer_loss", "surface_loss", "varifold_loss"]


def chamfer_loss(
    pred: Tensor, targets: Sequence[Tensor], padded: bool = False
) -> dict[str, Tensor]:
    """Mean over frames of the Chamfer distance of vertices.

    Source: the development code of the unregistered setting of ScanTalk (arXiv 2410.11041), which
    pads frames with points at the origin and compares these as well.

    Args:
        pred: Predicted vertices ``(frames, vertices, 3)``.
        targets: True points of each frame ``(points, 3)``.
        padded: Fill up smaller frames with points at the origin, as published.

    Returns:
        ``loss``, a scalar in squares of the vertices' unit.
    """
    frames = pad_sequence(list(targets), batch_first=True) if padded else targets
    return {"loss": chamfer_distance(pred.float(), frames).mean()}


def varifold_loss(
    pred: Tensor,
    faces: Tensor,
    targets: Sequence[Tensor],
    target_faces: Sequence[Tensor],
    sigmas: Sequence[float],
) -> dict[str, Tensor]:
    """Mean over frames of the squared varifold distance of surfaces.

    Args:
        pred: Predicted vertices ``(frames, vertices, 3)``.
        faces: Their triangles ``(faces, 3)``.
        targets: True vertices of each frame ``(points, 3)``.
        target_faces: Their triangles ``(triangles, 3)``.
        sigmas: Widths of the kernels in the unit of the vertices.

    Returns:
        ``loss``, a scalar in fourth powers of the vertices' unit.
    """
    squares = squared_varifold_distance(pred, targets, faces, target_faces, sigmas)
    return {"loss": squares.mean().float()}


def surface_loss(
    pred: Tensor,
    faces: Tensor,
    targets: Sequence[Tensor],
    target_faces: Sequence[Tensor],
    neutral: Tensor,
    smoothness_weight: float = 1.0,
) -> dict[str, Tensor]:
    """Distances of either surface's vertices to the other surface, and smooth displacements.

    A vertex is drawn to the surface, not to the nearest of the points that happen to be on it, so
    that it does not slide along with the sampling; the smoothness keeps it in its place among its
    neighbours where the surface says nothing.

    Args:
        pred: Predicted vertices ``(frames, vertices, 3)``.
        faces: Their triangles ``(faces, 3)``.
        targets: True vertices of each frame ``(points, 3)``.
        target_faces: Their triangles ``(triangles, 3)``.
        neutral: Neutral face ``(vertices, 3)``.
        smoothness_weight: Weight of the squared differences of neighbouring displacements.

    Returns:
        Scalars in squares of the vertices' unit: ``surface``, ``smoothness``, unweighted, and
        their weighted sum ``loss``.
    """
    pred = pred.float()
    surface = torch.stack(
        [
            point_to_surface(ours, theirs, triangles).mean()
            + point_to_surface(theirs, ours, faces).mean()
            for ours, theirs, triangles in zip(pred, targets, target_faces, strict=True)
        ]
    ).mean()
    displacement = pred - neutral
    edges = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    differences = displacement[:, edges[:, 0]] - displacement[:, edges[:, 1]]
    smoothness = differences.square().sum(dim=-1).mean()
    terms = {"surface": surface, "smoothness": smoothness}
    return {**terms, "loss": surface + smoothness_weight * smoothness}
