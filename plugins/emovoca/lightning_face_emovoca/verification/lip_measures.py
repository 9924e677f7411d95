"""Whether lips move as those of another sequence, told from their aperture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["STILL", "closures", "correlation", "lag_of", "overlap", "spread_ratio"]

Curve = NDArray[np.float64]

STILL = 5e-5
"""Standard deviation of an aperture in metres below which lips do not speak."""

_FARTHEST_LAG = 15
_CLOSED, _LOW = 0.05, 0.25


def correlation(curve: Curve, source: Curve) -> float:
    """Pearson correlation of two curves ``(frames,)``; 0 where the first does not move.

    Returns:
        A number in -1..1; nan where the source does not move.
    """
    if _is_still(source):
        return float("nan")
    if curve.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(curve, source)[0, 1])


def lag_of(curve: Curve, source: Curve) -> float:
    """Frames by which a curve follows the source: where both correlate most.

    Only as many frames as both have at a lag are correlated; of equally good lags the smallest is
    taken.

    Returns:
        A whole number, positive where the curve is late; nan where either does not move.
    """
    if _is_still(source) or curve.std() < 1e-9:
        return float("nan")
    farthest = min(_FARTHEST_LAG, len(source) // 4)
    lags = sorted(range(-farthest, farthest + 1), key=abs)
    frames = len(source)
    found = [
        correlation(curve[max(lag, 0) : frames + lag], source[max(-lag, 0) : frames - lag])
        for lag in lags
    ]
    return float(lags[int(np.nanargmax(found))])


def spread_ratio(curve: Curve, source: Curve) -> float:
    """Ratio of the standard deviations of a curve and the source; nan where that is still."""
    return float("nan") if _is_still(source) else float(curve.std() / source.std())


def closures(curve: Curve, source: Curve) -> tuple[float, int]:
    """Share of the closures of the source that a curve of openings keeps.

    The source is closed below its 5 % quantile, the curve below its 25 % quantile. Both are signed:
    lips that are pressed through each other are closed, though their distance grows.

    Returns:
        The share in 0..1, which is 1 where the source never closes, and the frame of the closure
        that is the most open or -1; nan and -1 where the source does not move.
    """
    if _is_still(source):
        return float("nan"), -1
    closed = np.flatnonzero(source < np.quantile(source, _CLOSED))
    if not len(closed):
        return 1.0, -1
    kept = curve[closed] < np.quantile(curve, _LOW)
    return float(kept.mean()), int(closed[curve[closed].argmax()])


def overlap(openings: Curve) -> tuple[float, int]:
    """Depth in metres by which lips are pressed through each other at most, and the frame."""
    if not len(openings):
        return 0.0, -1
    frame = int(openings.argmin())
    return max(0.0, -float(openings[frame])), frame


def _is_still(curve: Curve) -> bool:
    return len(curve) < 2 or float(curve.std()) < STILL
