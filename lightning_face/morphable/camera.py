"""The affine camera that sees given points at given pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError
from lightning_face.render.camera import AffineCamera

__all__ = ["affine_camera", "on_a_line"]

Floats = NDArray[np.float64]

# Relative thickness below which points count as lying in a plane, or pixels on a line.
_FLAT = 1e-9


def affine_camera(points: Floats, image_points: Floats) -> AffineCamera:
    """Find the camera with the least squared error between points and their pictures.

    Args:
        points: Positions ``(points, 3)``, or one set for every frame ``(frames, points, 3)``.
        image_points: Their pixels ``(points, 2)`` or ``(frames, points, 2)``.

    Returns:
        One camera, or one for every frame. The mean of the points falls on the mean pixel.

    Raises:
        DataError: The points lie in a plane, or the pixels on a line.

    Source:
        Ferrari et al., "Dictionary Learning based 3D Morphable Models for 3D and 2D Face
        Analysis", where a pose is the pseudoinverse solution over centred landmarks.
    """
    point_mean = points.mean(axis=-2, keepdims=True)
    image_mean = image_points.mean(axis=-2, keepdims=True)
    flat = image_points - image_mean
    left, spread, right = np.linalg.svd(points - point_mean, full_matrices=False)
    if (spread[..., -1] <= _FLAT * spread[..., 0]).any() or points.shape[-2] < 4:
        raise DataError("the vertices of the landmarks lie in a plane and give no camera")
    if len(on_a_line(image_points.reshape(-1, *image_points.shape[-2:]))):
        raise DataError("the landmarks lie on a line and give no camera")
    inverse = (left / spread[..., None, :]) @ right
    matrix = np.swapaxes(flat, -1, -2) @ inverse
    translation = image_mean - point_mean @ np.swapaxes(matrix, -1, -2)
    return AffineCamera(matrix, translation[..., 0, :])


def on_a_line(image_points: Floats) -> NDArray[np.intp]:
    """Return the frames whose pixels ``(frames, points, 2)`` lie on a line or in one place."""
    flat = image_points - image_points.mean(axis=-2, keepdims=True)
    # eigenvalues are squares of lengths
    spread = np.linalg.eigvalsh(np.swapaxes(flat, -1, -2) @ flat)
    return np.flatnonzero(spread[..., 0] <= _FLAT * spread[..., 1])
