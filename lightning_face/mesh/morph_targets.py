"""A moving mesh as a sum of few fixed displacements, found while its frames come in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError

__all__ = ["MorphTargetFitter", "MorphTargets"]

Floats = NDArray[np.float32]

_BLOCK = 256


class MorphTargets(NamedTuple):
    """Displacements and how much of each is in every frame.

    Attributes:
        displacements: ``(targets, vertices, 3)``, the largest movements first.
        weights: ``(frames, targets)``, each target's between -1 and 1.
    """

    displacements: Floats
    weights: Floats


class MorphTargetFitter:
    """Finds the displacements that all frames are sums of, in memory for these alone.

    Frames are kept as coefficients of an orthonormal basis that grows whenever a frame lies
    outside it. In the end the basis is turned to principal axes, and those that no frame needs
    are left out.

    Args:
        neutral: Positions ``(vertices, 3)`` that displacements start from.
        tolerance: Largest error of a coordinate in any frame, in the unit of the positions.
    """

    def __init__(self, neutral: NDArray[np.floating], tolerance: float) -> None:
        self._neutral = np.asarray(neutral, dtype=np.float64)
        # half for what the basis leaves out, half for what is left out of the basis in the end
        self._tolerance = tolerance / 2
        self._basis = np.zeros((0, self._neutral.size))
        self._coefficients: list[NDArray[np.float64]] = []

    def add(self, frames: NDArray[np.floating]) -> None:
        """Take in the next frames.

        Args:
            frames: Positions ``(frames, vertices, 3)``.

        Raises:
            DataError: A position is not finite.
        """
        moved = (frames - self._neutral).reshape(len(frames), -1)
        if not np.isfinite(moved).all():
            raise DataError("a frame with positions that are not finite cannot be animated")
        coefficients = moved @ self._basis.T
        rest = moved - coefficients @ self._basis
        if np.abs(rest).max() > self._tolerance:
            found = self._directions(rest)
            coefficients = np.hstack([coefficients, rest @ found.T])
            self._basis = np.vstack([self._basis, found])
        self._coefficients.append(coefficients)

    def finish(self) -> MorphTargets:
        """Return the displacements and weights of all frames so far; a still mesh has one of 0."""
        width = len(self._basis)
        table = np.vstack(
            [np.pad(each, ((0, 0), (0, width - each.shape[1]))) for each in self._coefficients]
        )
        left, sizes, turned = np.linalg.svd(table, full_matrices=False)
        weights, targets = left * sizes, turned @ self._basis
        if not width:
            still = np.zeros((1, *self._neutral.shape), np.float32)
            return MorphTargets(still, np.zeros((len(table), 1), np.float32))
        fewest, enough = 0, width
        while enough - fewest > 1:
            middle = (fewest + enough) // 2
            if _largest_product(weights[:, middle:], targets[middle:]) <= self._tolerance:
                enough = middle
            else:
                fewest = middle
        weights, targets = weights[:, :enough], targets[:enough]
        largest = np.maximum(np.abs(weights).max(axis=0), 1e-30)
        displacements = (targets * largest[:, None]).reshape(enough, *self._neutral.shape)
        return MorphTargets(
            displacements.astype(np.float32), (weights / largest).astype(np.float32)
        )

    def _directions(self, rest: NDArray[np.float64]) -> NDArray[np.float64]:
        """Fewest principal directions without which the rest is below the tolerance."""
        _, _, directions = np.linalg.svd(rest, full_matrices=False)
        for count in range(1, len(directions) + 1):
            found = directions[:count]
            rest = rest - np.outer(rest @ found[-1], found[-1])
            if np.abs(rest).max() <= self._tolerance:
                break
        # what rounding has left of the old basis in the new directions
        found = found - (found @ self._basis.T) @ self._basis
        orthonormal: NDArray[np.float64] = np.linalg.qr(found.T)[0].T
        return orthonormal


def _largest_product(weights: NDArray[np.float64], targets: NDArray[np.float64]) -> float:
    """Largest coordinate of all frames, computed in blocks of them."""
    return max(
        float(np.abs(weights[first : first + _BLOCK] @ targets).max())
        for first in range(0, len(weights), _BLOCK)
    )
