"""Landmarks of a face fitted one frame at a time, written as the equations are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lightning_face.morphable import Basis, LinearFaceModel

__all__ = ["fit_video"]

Floats = NDArray[np.float64]


def fit_video(
    landmarks: Floats, model: LinearFaceModel, vertices: NDArray[np.int64], regularization: float
) -> Floats:
    """Give the expression coefficients ``(frames, components)`` on the identity of frame 0."""
    _, rest = fit_frame(landmarks[0], model.mean, model.identity, vertices, regularization)
    return np.stack(
        [fit_frame(each, rest, model.expression, vertices, regularization)[0] for each in landmarks]
    )


def fit_frame(
    landmarks: Floats,
    shape: Floats,
    basis: Basis,
    vertices: NDArray[np.int64],
    regularization: float,
) -> tuple[Floats, Floats]:
    """Estimate camera and coefficients of one frame, and deform the shape."""
    points = shape[vertices]
    centre, pixel_centre = points.mean(axis=0), landmarks.mean(axis=0)
    matrix = (landmarks - pixel_centre).T @ np.linalg.pinv((points - centre).T)
    translation = pixel_centre - matrix @ centre
    residual = (landmarks - points @ matrix.T - translation).T.ravel()
    design = np.empty((2 * len(vertices), basis.components.shape[1]))
    for k in range(design.shape[1]):
        component = basis.components[:, k].reshape(-1, 3)[vertices]
        design[:, k] = (component @ matrix.T).T.ravel()
    normal = design.T @ design + np.diag(regularization / basis.weights)
    coefficients = np.linalg.solve(normal, design.T @ residual)
    deformed = shape.copy()
    for k, value in enumerate(coefficients):
        deformed = deformed + value * basis.components[:, k].reshape(-1, 3)
    return coefficients, deformed
