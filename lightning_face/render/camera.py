"""Cameras: from points in space to pixels.

Picture coordinates are continuous: x runs right, y runs down, the top left corner of the picture
is (0, 0) and the centre of the first pixel (0.5, 0.5). Seen from a camera, x is right, y is down
and z is away from the viewer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["AffineCamera", "Camera", "Pose", "front_view"]

Floats = NDArray[np.float64]


class Camera(Protocol):
    """What drawing needs of a camera."""

    @property
    def axes(self) -> Floats:
        """Directions right, down and away of the viewer in space, as rows ``(3, 3)``."""

    def to_screen(self, points: Floats) -> Floats:
        """Return x and y in pixels and a depth that grows away from the viewer.

        Args:
            points: Positions ``(points, 3)``.

        Returns:
            ``(points, 3)``.
        """


@dataclass(frozen=True)
class Pose:
    """Placement of a head in a picture: ``matrix = stretch @ rotation[:2]``.

    Args:
        rotation: Rows right, down and away ``(..., 3, 3)``, determinant 1. A face with y up and z
            to the front that looks into the camera has rows x, -y and -z.
        stretch: Lower triangular matrix ``(..., 2, 2)`` with a positive diagonal, pixels per unit;
            a multiple of the identity for a scaled orthographic camera.
        translation: Picture of the origin in pixels ``(..., 2)``.
    """

    rotation: Floats
    stretch: Floats
    translation: Floats

    @property
    def scale(self) -> Floats:
        """Pixels per unit: the root of the determinant of the stretch, which keeps areas."""
        return np.sqrt(self.stretch[..., 0, 0] * self.stretch[..., 1, 1])


@dataclass(frozen=True)
class AffineCamera:
    """Parallel projection ``matrix @ point + translation``, one or one for every frame.

    Args:
        matrix: Pixels per unit ``(..., 2, 3)``.
        translation: Picture of the origin in pixels ``(..., 2)``.
    """

    matrix: Floats
    translation: Floats

    def __getitem__(self, frame: int | slice | NDArray[np.intp]) -> AffineCamera:
        """Return the camera of one frame, or of some."""
        return AffineCamera(self.matrix[frame], self.translation[frame])

    @property
    def axes(self) -> Floats:
        """Directions right, down and away of the viewer in space, as rows ``(..., 3, 3)``."""
        return self.pose().rotation

    def project(self, points: Floats) -> Floats:
        """Return the pictures of points.

        Args:
            points: Positions ``(..., points, 3)``.

        Returns:
            Pixels ``(..., points, 2)``.
        """
        return points @ np.swapaxes(self.matrix, -1, -2) + self.translation[..., None, :]

    def to_screen(self, points: Floats) -> Floats:
        """Return x and y in pixels and the distance along the line of sight.

        Args:
            points: Positions ``(..., points, 3)``.

        Returns:
            ``(..., points, 3)``; the depth is in the unit of the points, from the origin.
        """
        depth = points @ self.axes[..., 2, :, None]
        return np.concatenate([self.project(points), depth], axis=-1)

    def pose(self) -> Pose:
        """Split the camera into a rotation and what remains, by orthogonalising its rows.

        The right axis of the picture is kept as it is and all shear goes into the second row, so
        the result is unique, and exact for a scaled orthographic camera.

        Returns:
            Rotation, stretch and translation that give back the matrix.
        """
        orthogonal, triangular = np.linalg.qr(np.swapaxes(self.matrix, -1, -2))
        diagonal = np.diagonal(triangular, axis1=-2, axis2=-1)
        sign = np.where(diagonal < 0, -1.0, 1.0)
        right, down = np.moveaxis(orthogonal * sign[..., None, :], -1, 0)
        rotation = np.stack([right, down, np.cross(right, down)], axis=-2)
        stretch = np.swapaxes(triangular * sign[..., :, None], -1, -2)
        return Pose(rotation, stretch, self.translation)


def front_view(
    points: Floats, size: tuple[int, int], margin: float = 0.08, turn: ArrayLike = (0.0, 0.0)
) -> AffineCamera:
    """Make a camera that sees all points, with y up and z towards the viewer.

    Args:
        points: Positions ``(..., 3)``, those of a whole video for a camera that stands still.
        size: Height and width of the picture in pixels.
        margin: Free border as a part of the picture, below a half.
        turn: Angles in radians by which the scene is turned about its vertical axis (positive
            shows more of the side at negative x) and then about the horizontal one.

    Returns:
        A scaled orthographic camera.
    """
    yaw, pitch = np.asarray(turn, dtype=np.float64)
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )
    axes = np.array([[1.0, 0, 0], [0, -1.0, 0]]) @ about_x @ about_y
    flat = points.reshape(-1, 3) @ axes.T
    low, high = flat.min(axis=0), flat.max(axis=0)
    room = np.array([size[1], size[0]], dtype=np.float64)
    scale = float(np.min(room * (1 - 2 * margin) / np.maximum(high - low, 1e-12)))
    return AffineCamera(scale * axes, room / 2 - scale * (low + high) / 2)
