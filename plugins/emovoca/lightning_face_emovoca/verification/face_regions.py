"""Parts of a face of any topology, found by its landmarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError

__all__ = ["lip_vertices", "upper_face_vertices"]

Floats = NDArray[np.floating]

_CONTOUR, _BROWS, _NOSE_BOTTOM, _MOUTH = slice(0, 17), slice(17, 27), 33, slice(48, 68)
_FOREHEAD = 0.6
_LIP_MARGIN = 0.12


def lip_vertices(template: Floats, landmarks: Floats) -> NDArray[np.int64]:
    """Find the lips: all vertices in the box around the mouth's landmarks, a little enlarged.

    Args:
        template: Neutral head ``(vertices, 3)``, y up and face towards z.
        landmarks: Its 68 landmarks ``(68, 3)``.

    Returns:
        Indices ``(lips,)``.

    Raises:
        DataError: If there is no vertex in the box.
    """
    mouth = landmarks[_MOUTH]
    margin = _LIP_MARGIN * float(np.ptp(mouth[:, 0]))
    low, high = mouth.min(axis=0) - margin, mouth.max(axis=0) + margin
    return _found("lips", ((template >= low) & (template <= high)).all(axis=1))


def upper_face_vertices(template: Floats, landmarks: Floats) -> NDArray[np.int64]:
    """Find the upper face: the front of the head from below the nose to the forehead.

    Args:
        template: Neutral head ``(vertices, 3)``, y up and face towards z.
        landmarks: Its 68 landmarks ``(68, 3)``.

    Returns:
        Indices ``(upper,)``.

    Raises:
        DataError: If there is no such vertex.
    """
    contour, bottom = landmarks[_CONTOUR], float(landmarks[_NOSE_BOTTOM, 1])
    top = float(landmarks[_BROWS, 1].max())
    x, y, z = template.T
    inside = (x >= contour[:, 0].min()) & (x <= contour[:, 0].max())
    inside &= (y >= bottom) & (y <= top + _FOREHEAD * (top - bottom))
    # the first and the last point of the contour lie before the ears
    return _found("upper face", inside & (z >= contour[[0, -1], 2].min()))


def _found(name: str, inside: NDArray[np.bool_]) -> NDArray[np.int64]:
    indices = np.flatnonzero(inside)
    if not len(indices):
        raise DataError(
            f"no vertex lies in the {name} that the landmarks tell: the landmark embedding does "
            "not belong to this template, or the head does not look along z with y up"
        )
    return indices
