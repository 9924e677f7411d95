"""Coefficients of a face model from 2D landmarks, for one picture or many at once.

Every picture is a small ridge regression. Its design matrix is the basis seen by the picture's
camera, so the normal equations are combinations, by the camera, of products of the basis with
itself that are the same for all pictures and are computed once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lightning_face.errors import ConfigError, DataError
from lightning_face.morphable.camera import affine_camera, on_a_line
from lightning_face.morphable.model import Basis
from lightning_face.render.camera import AffineCamera

__all__ = [
    "FitSettings",
    "LandmarkFit",
    "LandmarkSolver",
    "SolvedFrames",
    "check_landmarks",
    "fit_landmarks",
    "take_frames",
]

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

# Components whose weight is below this are numerically null; their penalty would be infinite.
_NULL_WEIGHT = 1e-12


@dataclass(frozen=True)
class LandmarkFit:
    """What a fit found.

    Args:
        coefficients: Increments of the last round ``(components,)``, which is what the published
            coefficient files hold; with ``rounds=0`` equal to the total.
        total: Sum over all rounds ``(components,)``: deforms the initial shape into ``shape``.
        shape: The fitted face ``(vertices, 3)``.
        camera: Camera estimated on the fitted face.
    """

    coefficients: Floats
    total: Floats
    shape: Floats
    camera: AffineCamera


@dataclass(frozen=True)
class FitSettings:
    """How a fit is done.

    Args:
        regularization: Penalty on squared coefficients, divided by the weight of each. It is
            measured against squared pixels: landmarks ``s`` times larger need ``s * s`` times it.
        rounds: How often camera and coefficients are estimated again on the fitted shape.
        translate_components: Add the translation of the camera to every projected component, as
            the published coefficients were computed. It pulls the sum of the coefficients to 0.

    Raises:
        ConfigError: A number is negative or not finite.
    """

    regularization: float = 100.0
    rounds: int = 0
    translate_components: bool = False

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not (np.isfinite(self.regularization) and self.regularization >= 0):
            raise ConfigError(f"regularization must be 0 or more, not {self.regularization}")
        if self.rounds < 0:
            raise ConfigError(f"rounds must be 0 or more, not {self.rounds}")


class SolvedFrames(NamedTuple):
    """Fits of several pictures, without their full shapes.

    Attributes:
        coefficients: Increments of the last round ``(frames, components)``.
        total: Sum over all rounds ``(frames, components)``.
        cameras: Cameras estimated on the fitted shapes, one a frame.
        reprojection_error: Mean distance of the landmarks from the picture of their vertices
            ``(frames,)``, pixels.
    """

    coefficients: Floats
    total: Floats
    cameras: AffineCamera
    reprojection_error: Floats


def fit_landmarks(
    landmarks: ArrayLike,
    shape: Floats,
    basis: Basis,
    vertices: Indices,
    regularization: float = 100.0,
    rounds: int = 0,
    translate_components: bool = False,
) -> LandmarkFit:
    """Deform a shape until its landmark vertices are seen where the landmarks are.

    A round estimates the camera on the present shape, projects the components with it and takes
    the coefficients ``(Y'Y + diag(regularization / weights))^-1 Y'X`` of the residual X.

    Args:
        landmarks: Pixels ``(points, 2)``; further columns are ignored.
        shape: Face to start from ``(vertices, 3)``.
        basis: Displacements to combine.
        vertices: Vertex of every landmark ``(points,)``, counted from 0.
        regularization: Penalty, see `FitSettings`.
        rounds: Number of repetitions after the first round.
        translate_components: Reproduce published coefficients, see `FitSettings`.

    Returns:
        Coefficients, shape and camera.

    Raises:
        DataError: The landmarks are not finite, too few, degenerate, or not as many as the
            vertices; or the penalty is too small for a solution.
        ConfigError: A setting is negative.

    Source:
        Ferrari et al., "Dictionary Learning based 3D Morphable Models for 3D and 2D Face
        Analysis", section on fitting.
    """
    settings = FitSettings(regularization, rounds, translate_components)
    pixels = np.asarray(landmarks)
    if pixels.ndim != 2:
        raise DataError(f"landmarks of a picture are (points, 2), not {pixels.shape}")
    taken = take_frames(check_landmarks(pixels[None], vertices), np.array([0]))
    solved = LandmarkSolver(shape, basis, vertices, settings).solve(taken)
    total = solved.total[0]
    deformed = basis.deform(shape, total)
    return LandmarkFit(solved.coefficients[0], total, deformed, solved.cameras[0])


def check_landmarks(landmarks: ArrayLike, vertices: Indices) -> NDArray[Any]:
    """Check the shape of the landmarks of frames, and drop columns beyond x and y.

    Args:
        landmarks: Pixels ``(frames, points, 2 or more)``.
        vertices: Vertex of every landmark ``(points,)``.

    Returns:
        ``(frames, points, 2)``, a view where ``landmarks`` is an array.

    Raises:
        DataError: The shape is wrong or the numbers of points differ.
    """
    pixels = np.asarray(landmarks)
    if pixels.ndim != 3 or pixels.shape[2] < 2:
        raise DataError(f"landmarks are (frames, points, 2), not {pixels.shape}")
    if pixels.shape[1] != len(vertices):
        msg = f"there are {pixels.shape[1]} landmarks, but the model's list has"
        raise DataError(f"{msg} {len(vertices)} vertices; choose the landmark set that was used")
    return pixels[..., :2]


def take_frames(pixels: NDArray[Any], frames: NDArray[np.intp]) -> Floats:
    """Copy the landmarks of some frames and check that they show a face.

    Args:
        pixels: Landmarks ``(all frames, points, 2)``.
        frames: Numbers of the frames to take.

    Returns:
        ``(len(frames), points, 2)``.

    Raises:
        DataError: A value is not finite, or all landmarks of a frame lie on a line.
    """
    taken = pixels[frames].astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(taken).all(axis=(1, 2)))
    if len(bad):
        msg = f"landmarks of frame {frames[bad[0]]} are not finite"
        raise DataError(f"{msg}; a frame without a face must be marked as not valid")
    bad = on_a_line(taken)
    if len(bad):
        raise DataError(f"landmarks of frame {frames[bad[0]]} lie on a line and show no face")
    return taken


class LandmarkSolver:
    """Fits pictures of one face that share a shape to start from.

    Args:
        shape: Face to start from ``(vertices, 3)``.
        basis: Displacements to combine.
        vertices: Vertex of every landmark ``(points,)``.
        settings: Penalty, rounds and legacy habits.

    Raises:
        DataError: A vertex number is outside the shape, or shape and basis differ in vertices.
    """

    def __init__(
        self, shape: Floats, basis: Basis, vertices: Indices, settings: FitSettings
    ) -> None:
        shape = np.asarray(shape, dtype=np.float64)
        if shape.shape != (basis.num_vertices, 3):
            msg = f"the shape is {shape.shape}, but the basis is for {basis.num_vertices} vertices"
            raise DataError(msg)
        if not 0 <= vertices.min() <= vertices.max() < len(shape):
            raise DataError(f"a landmark's vertex is outside the {len(shape)} of the shape")
        self.settings = settings
        self.num_components = len(basis)
        self.kept = np.flatnonzero(basis.weights >= _NULL_WEIGHT)
        self.points = shape[vertices]
        components = basis.at(vertices)[..., self.kept]
        self.penalty = settings.regularization / basis.weights[self.kept]
        count = len(self.kept)
        # (points, 3 * components), and (components, points * 3) to move the points
        self.by_point = components.reshape(len(vertices), -1)
        self.moves = np.ascontiguousarray(components.reshape(-1, count).T)
        gram = self.by_point.T @ self.by_point
        self.gram = gram.reshape(3, count, 3, count).swapaxes(1, 2).reshape(9, -1)
        self.sums = components.sum(axis=0)

    def solve(self, landmarks: Floats) -> SolvedFrames:
        """Fit every frame by itself, all at once.

        Args:
            landmarks: Pixels ``(frames, points, 2)`` that `take_frames` let pass.

        Returns:
            Coefficients, cameras and errors of the frames.

        Raises:
            DataError: The vertices lie in a plane, or the penalty is too small for a solution.
        """
        frames = len(landmarks)
        points = self.points
        total = np.zeros((frames, len(self.kept)))
        for _ in range(self.settings.rounds + 1):
            camera = affine_camera(points, landmarks)
            increment = self._increment(camera, landmarks - camera.project(points))
            total += increment
            points = self.points + (total @ self.moves).reshape(frames, -1, 3)
        cameras = affine_camera(points, landmarks)
        distance = np.linalg.norm(landmarks - cameras.project(points), axis=-1)
        return SolvedFrames(
            self._with_null(increment), self._with_null(total), cameras, distance.mean(axis=-1)
        )

    def _increment(self, camera: AffineCamera, residual: Floats) -> Floats:
        """Solve the normal equations of every frame ``(frames, kept components)``."""
        frames, count = len(residual), len(self.kept)
        matrix, translation = camera.matrix, camera.translation
        gram = (np.swapaxes(matrix, -1, -2) @ matrix).reshape(frames, 9) @ self.gram
        normal = gram.reshape(frames, count, count)
        seen = (np.swapaxes(residual, -1, -2) @ self.by_point).reshape(frames, 2, 3, count)
        right = np.einsum("fij,fijk->fk", matrix, seen)
        if self.settings.translate_components:
            # the rows A C_k + t instead of A C_k, multiplied out
            shifted = np.einsum("fi,fik->fk", translation, matrix @ self.sums)
            length = len(self.points) * np.square(translation).sum(axis=-1)
            normal = normal + shifted[:, :, None] + shifted[:, None, :] + length[:, None, None]
            right = right + np.einsum("fi,fni->f", translation, residual)[:, None]
        normal = normal + np.diag(self.penalty)
        try:
            return np.linalg.solve(normal, right[..., None])[..., 0]
        except np.linalg.LinAlgError as error:
            msg = "the landmarks do not determine the coefficients; raise regularization"
            raise DataError(msg) from error

    def _with_null(self, coefficients: Floats) -> Floats:
        """Give null components the coefficient 0."""
        full = np.zeros((len(coefficients), self.num_components))
        full[:, self.kept] = coefficients
        return full
