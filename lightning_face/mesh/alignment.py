"""Rigid and similarity alignment of heads, by landmarks or without."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError

__all__ = ["SimilarityTransform", "align_landmarks", "align_to_reference", "length_unit"]

Floats = NDArray[np.float64]

_METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001}
# diagonals of boxes around heads, from a bare face to head and shoulders, in metres
_SMALLEST_HEAD, _LARGEST_HEAD = 0.15, 1.0
# points, steps, and how many of the best fits go on
_STAGES = ((300, 15, 16), (800, 40, 3), (3000, 60, 1))
# how dear it is to leave points without a neighbour, and how many must have one
_FRACTION_POWER = 1.3
_LEAST_FRACTION = 0.4


@dataclass(frozen=True)
class SimilarityTransform:
    """``scale * rotation @ point + translation``.

    Attributes:
        rotation: Proper rotation ``(3, 3)``.
        translation: In the unit of the target ``(3,)``.
        scale: Target units per source unit, positive.
    """

    rotation: Floats
    translation: Floats
    scale: float = 1.0

    @property
    def angle(self) -> float:
        """Angle of the rotation, in degrees."""
        cosine = (np.trace(self.rotation) - 1) / 2
        return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))

    def apply(self, points: Floats) -> Floats:
        """Move points ``(..., 3)``."""
        return self.scale * points @ self.rotation.T + self.translation

    def inverse(self) -> SimilarityTransform:
        """Give the transform that undoes this one."""
        rotation, scale = self.rotation.T, 1 / self.scale
        return SimilarityTransform(rotation, -scale * rotation @ self.translation, scale)


def length_unit(vertices: Floats) -> str | None:
    """Guess the unit of a head from its size.

    Args:
        vertices: Positions ``(vertices, 3)``.

    Returns:
        ``m``, ``cm`` or ``mm``; None where no head is as large in any of them.
    """
    diagonal = float(np.linalg.norm(np.ptp(vertices, axis=0)))
    fitting = [
        unit
        for unit, metres in _METRES.items()
        if _SMALLEST_HEAD <= diagonal * metres < _LARGEST_HEAD
    ]
    return fitting[0] if fitting else None


def align_landmarks(source: Floats, target: Floats, scaling: bool = True) -> SimilarityTransform:
    """Find the transform that brings points closest to those they correspond to.

    Args:
        source: Landmarks ``(landmarks, 3)``, at least three that are not on a line.
        target: Where each of them should be ``(landmarks, 3)``.
        scaling: Whether the size may change.

    Returns:
        The transform of least squared distance.

    Raises:
        DataError: The landmarks do not correspond, are not finite, or lie on one line.

    Source:
        Umeyama, "Least-Squares Estimation of Transformation Parameters", 1991.
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if source.shape != target.shape or source.shape != (len(source), 3) or len(source) < 3:
        raise DataError(
            f"landmarks of shapes {source.shape} and {target.shape} do not correspond; both must "
            "have the same three or more rows of three numbers"
        )
    if not (np.isfinite(source).all() and np.isfinite(target).all()):
        raise DataError("a landmark is not finite; leave it out on both sides")
    for name, points in (("source", source), ("target", target)):
        spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
        if spread[1] <= 1e-6 * spread[0]:
            raise DataError(f"the {name} landmarks lie on one line; add one beside it")
    return _procrustes(source, target, scaling)


def align_to_reference(
    vertices: Floats, reference: Floats, scaling: bool = False
) -> tuple[SimilarityTransform, float]:
    """Find the transform that brings a head of any position and size onto another one.

    Iterated closest points, both ways, from rotations all over the sphere and from where the head
    is. In each step the share of the points that have a counterpart is estimated, so that either
    head may have parts that the other lacks, such as shoulders or the back.

    Args:
        vertices: Head to be moved ``(vertices, 3)``, in any unit.
        reference: Head to be matched ``(vertices, 3)``.
        scaling: Whether the size may change, apart from the unit: without it, millimetres,
            centimetres and metres are told from the size and converted.

    Returns:
        The transform, and the root mean square distance of the counterparts, in the unit of the
        reference.

    Raises:
        DataError: A head has fewer than ten vertices or a position that is not finite, or its unit
            cannot be told where scaling is not allowed.

    Source:
        Besl and McKay, "A Method for Registration of 3-D Shapes", 1992; Phillips, Liu and
        Tomasi, "Outlier Robust ICP for Minimizing Fractional RMSD", 2007.
    """
    from scipy.spatial.transform import Rotation

    for name, points in (("head", vertices), ("reference", reference)):
        if len(points) < 10 or not np.isfinite(points).all() or not np.ptp(points, axis=0).any():
            raise DataError(
                f"the {name} has {len(points)} vertices; at least ten finite ones in different "
                "places can be aligned"
            )
    centre, goal = vertices.mean(axis=0), reference.mean(axis=0)
    if scaling:
        scale = _radius(reference) / _radius(vertices)
    else:
        scale = _metres(vertices, "head") / _metres(reference, "reference")
    starts = [SimilarityTransform(np.eye(3), np.zeros(3), scale)]
    for rotation in (*Rotation.create_group("O"), *Rotation.create_group("I")):
        matrix = rotation.as_matrix()
        starts.append(SimilarityTransform(matrix, goal - scale * matrix @ centre, scale))

    found = starts
    for count, steps, kept in _STAGES:
        moving, still = _sample(vertices, count), _sample(reference, count)
        fits = [_closest_points(each, moving, still, scaling, steps) for each in found]
        fits.sort(key=lambda fit: fit.cost)
        found = [fit.transform for fit in fits[:kept]]
    return fits[0].transform, fits[0].distance


@dataclass(frozen=True)
class _Fit:
    """Where iterations ended: distance of counterparts, and cost that counts the others in."""

    transform: SimilarityTransform
    distance: float
    cost: float


def _metres(vertices: Floats, name: str) -> float:
    unit = length_unit(vertices)
    if unit is None:
        raise DataError(
            f"the {name} is {np.linalg.norm(np.ptp(vertices, axis=0)):.3g} units across, which is "
            "no head's size in metres, centimetres or millimetres; allow scaling"
        )
    return _METRES[unit]


def _procrustes(
    source: Floats, target: Floats, scaling: bool, fixed_scale: float = 1.0
) -> SimilarityTransform:
    centre, goal = source.mean(axis=0), target.mean(axis=0)
    from_centre, from_goal = source - centre, target - goal
    left, sizes, right = np.linalg.svd(from_goal.T @ from_centre)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    rotation = (left * signs) @ right
    scale = float((sizes * signs).sum() / (from_centre**2).sum()) if scaling else fixed_scale
    return SimilarityTransform(rotation, goal - scale * rotation @ centre, scale)


def _closest_points(
    start: SimilarityTransform, moving: Floats, still: Floats, scaling: bool, steps: int
) -> _Fit:
    from scipy.spatial import KDTree

    tree, transform, cost = KDTree(still), start, np.inf
    for _ in range(steps):
        moved = transform.apply(moving)
        there, to_still = tree.query(moved)
        back, to_moving = KDTree(moved).query(still)
        near, distance, cost_there = _counterparts(there)
        near_back, distance_back, cost_back = _counterparts(back)
        last, cost = cost, (cost_there + cost_back) / 2
        fit = _Fit(transform, (distance + distance_back) / 2, cost)
        if last - cost < 1e-5 * cost and np.isfinite(last):
            break
        transform = _procrustes(
            np.concatenate([moving[near], moving[to_moving[near_back]]]),
            np.concatenate([still[to_still[near]], still[near_back]]),
            scaling,
            start.scale,
        )
    return fit


def _counterparts(distances: Floats) -> tuple[NDArray[np.int64], float, float]:
    """Choose the nearest share of the points for which distance and share are in best balance."""
    order = np.argsort(distances)
    count = np.arange(1, len(order) + 1)
    fraction = count / len(order)
    spread = np.sqrt(np.cumsum(distances[order] ** 2) / count)
    costs = np.where(fraction >= _LEAST_FRACTION, spread / fraction**_FRACTION_POWER, np.inf)
    best = int(np.argmin(costs))
    return order[: best + 1], float(spread[best]), float(costs[best])


def _radius(points: Floats) -> float:
    return float(np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean()))


def _sample(points: Floats, count: int) -> Floats:
    """Draw points evenly over the surface, however dense its vertices are in places."""
    from scipy.spatial import KDTree

    if len(points) <= count:
        return points
    spacing = KDTree(points).query(points, k=min(8, len(points)))[0][:, -1]
    random = np.random.RandomState(0)
    area = spacing**2 + 1e-12 * np.max(spacing) ** 2
    return points[random.choice(len(points), count, replace=False, p=area / area.sum())]
