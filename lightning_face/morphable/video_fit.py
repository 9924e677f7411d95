"""One identity and one expression a frame from the landmarks of a video."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lightning_face.errors import DataError
from lightning_face.morphable.fitting import (
    FitSettings,
    LandmarkSolver,
    check_landmarks,
    fit_landmarks,
    take_frames,
)
from lightning_face.morphable.model import LinearFaceModel
from lightning_face.render.camera import AffineCamera

__all__ = ["VideoFit", "fit_video"]

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

# Frames solved at once: bounds the memory, and costs no time beyond some dozens.
_CHUNK = 128


@dataclass(frozen=True)
class VideoFit:
    """What the fit of a video found. Rows of frames without a face are not a number.

    Args:
        identity: Identity coefficients ``(identity components,)``.
        identity_shape: The face at rest ``(vertices, 3)``.
        expression: Increments of the last round ``(frames, expression components)``.
        expression_total: Sum over all rounds, equal to ``expression`` with ``rounds=0``: deforms
            the face at rest into that of the frame.
        cameras: Camera of every frame.
        valid: Frames with a face ``(frames,)``.
        reprojection_error: Mean distance of the landmarks from the picture of their vertices
            ``(frames,)``, pixels.
    """

    identity: Floats
    identity_shape: Floats
    expression: Floats
    expression_total: Floats
    cameras: AffineCamera
    valid: NDArray[np.bool_]
    reprojection_error: Floats


def fit_video(
    landmarks: ArrayLike,
    model: LinearFaceModel,
    vertices: Indices,
    valid: ArrayLike | None = None,
    regularization: float = 100.0,
    rounds: int = 0,
    translate_components: bool = False,
) -> VideoFit:
    """Fit the identity on the first frame with a face and the expression on every frame.

    Frames are independent of each other and solved together.

    Args:
        landmarks: Pixels ``(frames, points, 2)``; further columns are ignored.
        model: Mean face and bases.
        vertices: Vertex of every landmark ``(points,)``, counted from 0.
        valid: Frames with a face ``(frames,)``; None means all. The landmarks of other frames
            are not looked at.
        regularization: Penalty, see `FitSettings`.
        rounds: Number of repetitions after the first round, for identity and expression.
        translate_components: Reproduce published coefficients, see `FitSettings`.

    Returns:
        Coefficients, cameras and errors.

    Raises:
        DataError: No frame has a face, or the landmarks of a valid frame are not finite,
            degenerate, or not as many as the vertices.
        ConfigError: A setting is negative.

    Source:
        Becattini et al., "Neuromorphic Facial Analysis with Cross-Modal Supervision", which fits
        the model to the RGB frames of its recordings.
    """
    settings = FitSettings(regularization, rounds, translate_components)
    pixels = check_landmarks(landmarks, vertices)
    frames = len(pixels)
    mask = np.ones(frames, dtype=bool) if valid is None else np.asarray(valid, dtype=bool)
    if mask.shape != (frames,):
        raise DataError(f"valid has the shape {mask.shape}, but there are {frames} frames")
    numbers = np.flatnonzero(mask)
    if not len(numbers):
        raise DataError("no frame has a face, so there is nothing to fit")
    rest = fit_landmarks(
        take_frames(pixels, numbers[:1])[0],
        model.mean,
        model.identity,
        vertices,
        regularization,
        rounds,
        translate_components,
    )
    solver = LandmarkSolver(rest.shape, model.expression, vertices, settings)
    fit = VideoFit(
        identity=rest.coefficients,
        identity_shape=rest.shape,
        expression=np.full((frames, len(model.expression)), np.nan),
        expression_total=np.full((frames, len(model.expression)), np.nan),
        cameras=AffineCamera(np.full((frames, 2, 3), np.nan), np.full((frames, 2), np.nan)),
        valid=mask,
        reprojection_error=np.full(frames, np.nan),
    )
    for start in range(0, len(numbers), _CHUNK):
        chosen = numbers[start : start + _CHUNK]
        solved = solver.solve(take_frames(pixels, chosen))
        fit.expression[chosen] = solved.coefficients
        fit.expression_total[chosen] = solved.total
        fit.cameras.matrix[chosen] = solved.cameras.matrix
        fit.cameras.translation[chosen] = solved.cameras.translation
        fit.reprojection_error[chosen] = solved.reprojection_error
    return fit
