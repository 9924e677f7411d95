"""Kernel losses between surfaces as the published development code has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

__all__ = ["Kernel", "kernel_loss"]

Kernel = Literal["gauss_squared", "gibbs"]

_MIN_SQUARED_AREA = 1e-10
"""Lower bound of squared areas in ``m^4``; most faces of a head are smaller than its root."""

_BLOCK = 2**21
"""Largest number of pairs of faces that are held at a time."""


class _Points(NamedTuple):
    """Centres of faces ``(faces, 3)``, bounded areas ``(faces, 1)``, normals ``(faces, 3)``."""

    centres: Tensor
    areas: Tensor
    normals: Tensor


def kernel_loss(
    pred: Tensor | Sequence[Tensor],
    target: Tensor | Sequence[Tensor],
    pred_faces: Tensor,
    target_faces: Tensor | Sequence[Tensor],
    kernel: Kernel,
    sigmas: Sequence[float],
    sigma_n: float = 0.5,
    scale_weights: bool = False,
) -> Tensor:
    """Squared kernel distance of the surfaces of each frame, differentiable in both.

    Areas are bounded from below and normals divided by the bounded area, so that small faces
    count too much and point nowhere: for new training prefer the varifold distance proper.

    Source: the development code of ScanTalk, whose two kernels of centres ``c`` and normals ``n``
    are

    * ``gauss_squared``: ``exp(-|c - c'|^2 / sigma^2) * sum_k (n_k n'_k)^2``
    * ``gibbs``: ``sum_d exp(-(c_d - c'_d)^2 / sigma^2) * sum_k exp((n_k n'_k - 1) / sigma_n^2)``

    Args:
        pred: Predicted vertices in metres ``(frames, vertices, 3)``.
        target: True vertices in metres, same number of frames.
        pred_faces: Predicted faces ``(faces, 3)``.
        target_faces: True faces ``(faces, 3)``, or those of each frame.
        kernel: Which kernel.
        sigmas: Widths of the kernel in metres; their distances are added.
        sigma_n: Width of the ``gibbs`` kernel for normals.
        scale_weights: Weight widths by their squared ratio to the first.

    Returns:
        The squared distance of each frame ``(frames,)`` in ``m^4``, float32.
    """
    shared = isinstance(target_faces, Tensor) and target_faces.dim() == 2
    distances = []
    for index, (first, second) in enumerate(zip(pred, target, strict=True)):
        faces = target_faces if shared else target_faces[index]
        ours, theirs = _points(first, pred_faces), _points(second, faces)  # type: ignore[arg-type]
        distances.append(
            _scaled_product(ours, ours, kernel, sigmas, sigma_n, scale_weights)
            + _scaled_product(theirs, theirs, kernel, sigmas, sigma_n, scale_weights)
            - 2 * _scaled_product(ours, theirs, kernel, sigmas, sigma_n, scale_weights)
        )
    return torch.stack(distances).float()


def _points(vertices: Tensor, faces: Tensor) -> _Points:
    first, second, third = vertices.float()[faces].unbind(dim=1)
    normals = torch.linalg.cross(second - first, third - first) / 2
    areas = normals.square().sum(dim=1, keepdim=True).clamp(min=_MIN_SQUARED_AREA).sqrt()
    return _Points((first + second + third) / 3, areas, normals / areas)


def _scaled_product(
    first: _Points,
    second: _Points,
    kernel: Kernel,
    sigmas: Sequence[float],
    sigma_n: float,
    scale_weights: bool,
) -> Tensor:
    product = _gauss_product if kernel == "gauss_squared" else _gibbs_product
    rows = max(1, _BLOCK // max(1, len(second.areas)))
    total = first.areas.new_zeros((), dtype=torch.float64)
    for parts in zip(*(each.split(rows) for each in first), strict=True):
        block = _Points(*parts)
        for sigma in sigmas:
            # made again in the backward pass, so that memory is bounded
            value = checkpoint(product, block, second, sigma, sigma_n, use_reentrant=False)
            total = total + ((sigma / sigmas[0]) ** 2 if scale_weights else 1.0) * value
    return total


def _gauss_product(first: _Points, second: _Points, sigma: float, sigma_n: float) -> Tensor:
    squares = (first.centres[:, None] - second.centres).square().sum(dim=-1)
    # sum_k (n_k n'_k)^2 is a product of matrices of squares
    likeness = first.normals.square() @ second.normals.square().T
    pairs = torch.exp(-squares / sigma**2) * likeness
    return (first.areas.double().T @ (pairs.double() @ second.areas.double())).squeeze()


def _gibbs_product(first: _Points, second: _Points, sigma: float, sigma_n: float) -> Tensor:
    pairs = first.areas.new_zeros(len(first.areas), len(second.areas))
    likeness = torch.zeros_like(pairs)
    for axis in range(3):
        difference = first.centres[:, axis, None] - second.centres[:, axis]
        pairs = pairs + torch.exp(-difference.square() / sigma**2)
        product = first.normals[:, axis, None] * second.normals[:, axis]
        likeness = likeness + torch.exp((product - 1) / sigma_n**2)
    weighted = (pairs * likeness).double()
    return (first.areas.double().T @ (weighted @ second.areas.double())).squeeze()
