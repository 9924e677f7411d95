"""How far two surfaces of any topology are apart, their orientation included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from lightning_face.metrics.talking_head.running_mean import RunningMean
from lightning_face.metrics.talking_head.sequences import point_sets

__all__ = [
    "FaceMeasures",
    "VarifoldDistance",
    "face_measures",
    "squared_varifold_distance",
    "varifold_distance",
]

_BLOCK = 2**22
"""Largest number of pairs of faces that are held at a time."""


class FaceMeasures(NamedTuple):
    """A surface as a sum of oriented points.

    Attributes:
        centres: Centres of the faces ``(faces, 3)``.
        areas: Their areas ``(faces,)``.
        normals: Their unit normals ``(faces, 3)``, 0 for faces without an area.
    """

    centres: Tensor
    areas: Tensor
    normals: Tensor


def face_measures(vertices: Tensor, faces: Tensor) -> FaceMeasures:
    """Measure the faces of a mesh.

    Args:
        vertices: Vertices ``(vertices, 3)``.
        faces: Corners of the faces ``(faces, 3)``.
    """
    first, second, third = vertices[faces].unbind(dim=1)
    cross = torch.linalg.cross(second - first, third - first)
    squares = cross.square().sum(dim=-1)
    # the root has no slope at 0, which would turn the gradient of a flat face into nan
    lengths = torch.where(squares > 0, squares, 1).sqrt()
    flat = squares == 0
    return FaceMeasures(
        centres=(first + second + third) / 3,
        areas=0.5 * lengths.masked_fill(flat, 0),
        normals=(cross / lengths[:, None]).masked_fill(flat[:, None], 0),
    )


def squared_varifold_distance(
    pred: Tensor | Sequence[Tensor],
    target: Tensor | Sequence[Tensor],
    pred_faces: Tensor | Sequence[Tensor],
    target_faces: Tensor | Sequence[Tensor],
    sigmas: Sequence[float],
) -> Tensor:
    """Squared varifold distance of the surfaces of each frame, differentiable in both.

    Surfaces are compared by ``<S, S> + <T, T> - 2 <S, T>`` with
    ``<S, T> = sum a a' exp(-|c - c'|^2 / sigma^2) (n . n')^2`` over pairs of faces with centres
    ``c``, areas ``a`` and unit normals ``n``. Pairs are made in blocks, again in the backward
    pass, so that memory is bounded.

    Source: the kernel distances of Besnier et al., without their lower bounds on areas.

    Args:
        pred: Predicted vertices ``(frames, vertices, 3)``, or a tensor ``(vertices, 3)`` a frame.
        target: True vertices, in the same forms; the longer sequence is cut.
        pred_faces: Predicted faces ``(faces, 3)``, or those of each frame.
        target_faces: True faces, in the same forms.
        sigmas: Widths of the kernels in the unit of the vertices; their distances are added.

    Returns:
        The squared distance of each frame ``(frames,)``, float64, in ``m^4`` where vertices are
        in metres.
    """
    frames = zip(
        _surfaces("pred", pred, pred_faces), _surfaces("target", target, target_faces), strict=False
    )
    return torch.stack(
        [
            _product(first, first, sigmas)
            + _product(second, second, sigmas)
            - 2 * _product(first, second, sigmas)
            for first, second in frames
        ]
    )


def varifold_distance(
    pred: Tensor | Sequence[Tensor],
    target: Tensor | Sequence[Tensor],
    pred_faces: Tensor | Sequence[Tensor],
    target_faces: Tensor | Sequence[Tensor],
    sigmas: Sequence[float] = (0.01,),
) -> Tensor:
    """Varifold distance of the surfaces of each frame.

    Arguments are those of `squared_varifold_distance`, whose root it is.

    Returns:
        The distance of each frame ``(frames,)``, float64, in square metres where vertices are in
        metres.
    """
    squares = squared_varifold_distance(pred, target, pred_faces, target_faces, sigmas)
    # rounding may leave less than nothing of two equal surfaces
    return squares.clamp(min=0).sqrt()


class VarifoldDistance(RunningMean):
    """Mean over all frames of the varifold distance, in square metres for metres.

    Args:
        sigmas: Widths of the kernels in the unit of the vertices.
    """

    def __init__(self, sigmas: Sequence[float] = (0.01,)) -> None:
        super().__init__()
        self.sigmas = tuple(sigmas)

    @torch.no_grad()
    def update(
        self,
        pred: Tensor | Sequence[Tensor],
        target: Tensor | Sequence[Tensor],
        pred_faces: Tensor | Sequence[Tensor],
        target_faces: Tensor | Sequence[Tensor],
    ) -> None:
        """Add one sequence, see `squared_varifold_distance`."""
        self.add(varifold_distance(pred, target, pred_faces, target_faces, self.sigmas))


def _surfaces(
    name: str, vertices: Tensor | Sequence[Tensor], faces: Tensor | Sequence[Tensor]
) -> list[FaceMeasures]:
    frames = point_sets(name, vertices)
    shared = isinstance(faces, Tensor) and faces.dim() == 2
    return [
        face_measures(frame.double(), faces if shared else faces[index])  # type: ignore[arg-type]
        for index, frame in enumerate(frames)
    ]


def _product(first: FaceMeasures, second: FaceMeasures, sigmas: Sequence[float]) -> Tensor:
    rows = max(1, _BLOCK // max(1, len(second.areas)))
    total = first.areas.new_zeros(())
    for parts in zip(*(each.split(rows) for each in first), strict=True):
        block = FaceMeasures(*parts)
        if torch.is_grad_enabled():
            total = total + checkpoint(_block_product, block, second, sigmas, use_reentrant=False)
        else:
            total = total + _block_product(block, second, sigmas)
    return total


def _block_product(first: FaceMeasures, second: FaceMeasures, sigmas: Sequence[float]) -> Tensor:
    squares = (
        first.centres.square().sum(dim=-1)[:, None]
        + second.centres.square().sum(dim=-1)
        - 2 * first.centres @ second.centres.T
    )
    kernel = torch.stack([torch.exp(-squares / sigma**2) for sigma in sigmas]).sum(dim=0)
    return first.areas @ (kernel * (first.normals @ second.normals.T).square()) @ second.areas
