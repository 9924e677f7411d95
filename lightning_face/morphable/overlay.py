"""A picture of fitted meshes over the frames they were fitted to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightning_face.morphable.model import LinearFaceModel
from lightning_face.morphable.video_fit import VideoFit
from lightning_face.render import AffineCamera, render_mesh

__all__ = ["choose_frames", "overlay_grid"]

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

_PAPER = 236
_LANDMARK, _VERTEX = (222, 60, 46), (24, 96, 196)
# Part of a tile that the landmarks take, and by how much of it they stand below the middle: there
# are none on the forehead.
_FACE_WIDTH, _LOWERED = 0.5, 0.2


def choose_frames(valid: NDArray[np.bool_], count: int) -> NDArray[np.intp]:
    """Return the numbers of at most ``count`` frames with a face, spread over the video."""
    numbers = np.flatnonzero(valid)
    places = np.linspace(0, len(numbers) - 1, min(count, len(numbers)))
    return numbers[np.round(places).astype(int)]


def overlay_grid(
    fit: VideoFit,
    model: LinearFaceModel,
    landmarks: Floats,
    vertices: NDArray[np.int64],
    frames: Iterable[int],
    pictures: Mapping[int, Bytes] | None = None,
    tile: int = 320,
) -> Bytes:
    """Draw chosen frames in a row, and below each its fitted mesh.

    The upper tile shows the picture, or paper without one, with the landmarks in red and the
    fitted vertices in blue; the lower tile the mesh through the camera of the frame, over the
    picture.

    Args:
        fit: Fit of the video.
        model: The model that was fitted; a model without triangles leaves the lower tiles empty.
        landmarks: Pixels ``(frames, points, 2)``.
        vertices: Vertex of every landmark ``(points,)``.
        frames: Numbers of the frames to draw; they need a face.
        pictures: RGB pictures ``(height, width, 3)`` by the number of their frame.
        tile: Side of a tile in pixels.

    Returns:
        RGB ``(2 * tile, len(frames) * tile, 3)``.
    """
    columns = []
    for number in frames:
        shape = model.expression.deform(fit.identity_shape, fit.expression_total[number])
        seen = landmarks[number, :, :2]
        camera = fit.cameras[number]
        center, scale = _crop(seen, tile)
        shift = tile / 2 - scale * center
        camera = AffineCamera(scale * camera.matrix, scale * camera.translation + shift)
        behind = _background((pictures or {}).get(number), center, scale, tile)
        mesh = render_mesh(shape, model.faces, camera, (tile, tile), background=behind)
        dots = behind.copy()
        _draw_points(dots, camera.project(shape[vertices]), _VERTEX)
        _draw_points(dots, scale * seen + shift, _LANDMARK)
        columns.append(np.concatenate([dots, mesh]))
    return np.concatenate(columns, axis=1)


def _crop(points: Floats, tile: int) -> tuple[Floats, float]:
    """Return the middle of the landmarks and tile pixels per picture pixel."""
    low, high = points.min(axis=0), points.max(axis=0)
    extent = float((high - low).max())
    middle = (low + high) / 2 - (0, _LOWERED * extent)
    return middle, _FACE_WIDTH * tile / extent


def _background(picture: Bytes | None, center: Floats, scale: float, tile: int) -> Bytes:
    if picture is None:
        return np.full((tile, tile, 3), _PAPER, dtype=np.uint8)
    left, top = center - tile / (2 * scale)
    affine = (1 / scale, 0, left, 0, 1 / scale, top)
    image = Image.fromarray(picture).transform(
        (tile, tile),
        Image.Transform.AFFINE,
        affine,
        resample=Image.Resampling.BILINEAR,
        fillcolor=(_PAPER, _PAPER, _PAPER),
    )
    return np.array(image)


def _draw_points(picture: Bytes, points: Floats, color: tuple[int, int, int]) -> None:
    """Mark points that lie inside by squares of 2 pixels."""
    tile = len(picture)
    corners = np.round(points).astype(int)
    inside = corners[((corners >= 1) & (corners < tile)).all(axis=1)]
    for right, down in ((0, 0), (-1, 0), (0, -1), (-1, -1)):
        picture[inside[:, 1] + down, inside[:, 0] + right] = color
