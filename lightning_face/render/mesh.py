"""Triangle meshes as pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lightning_face.errors import DataError
from lightning_face.optional import optional_import
from lightning_face.render.camera import Camera
from lightning_face.render.shading import CLAY, shade, vertex_normals

__all__ = ["render_mesh"]

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]


def render_mesh(
    vertices: Floats,
    faces: NDArray[np.int64],
    camera: Camera,
    size: tuple[int, int],
    colors: ArrayLike = CLAY,
    background: ArrayLike = (255, 255, 255),
    supersampling: int = 2,
    back_tint: ArrayLike = (1, 1, 1),
) -> Bytes:
    """Draw a mesh with smooth shading, hidden parts removed and soft edges.

    Args:
        vertices: Positions ``(vertices, 3)``.
        faces: Triangles ``(triangles, 3)``, counted from 0, counter-clockwise seen from outside.
        camera: Where the mesh is seen from.
        size: Height and width of the picture in pixels.
        colors: One colour ``(3,)`` or one a vertex ``(vertices, 3)``, sRGB in 0..1.
        background: One colour ``(3,)`` or a picture ``(height, width, 3)``, 0..255.
        supersampling: Samples across and down a pixel; 1 leaves hard edges.
        back_tint: What the colours of triangles that are seen from inside are multiplied with,
            0..1 each, so that an open mouth is dark.

    Returns:
        RGB ``(height, width, 3)``.

    Raises:
        DataError: A vertex is not finite, or a face names a vertex that is not there.
        ConfigError: numba is not installed.
    """
    optional_import("numba", extra="morphable")
    from lightning_face.render.rasterizer_numba import rasterize, reduce_samples

    if not np.isfinite(vertices).all():
        raise DataError("a mesh whose vertices are not finite cannot be drawn")
    if faces.size and not 0 <= faces.min() <= faces.max() < len(vertices):
        raise DataError("a face of the mesh names a vertex that is not there")
    picture: Bytes = np.empty((*size, 3), dtype=np.uint8)
    picture[:] = np.asarray(background, dtype=np.uint8)
    screen = camera.to_screen(vertices)
    low, high = screen[:, :2].min(axis=0), screen[:, :2].max(axis=0)
    left, top = (int(edge) for edge in np.clip(np.floor(low), 0, size[::-1]))
    right, bottom = (int(edge) for edge in np.clip(np.ceil(high), 0, size[::-1]))
    if left >= right or top >= bottom:
        return picture
    shown = shade(vertex_normals(vertices, faces), camera.axes, colors) * 255
    screen[:, :2] = (screen[:, :2] - (left, top)) * supersampling
    # depths of a face far from the origin would lose their digits in float32
    screen[:, 2] -= screen[:, 2].mean()
    samples = ((bottom - top) * supersampling, (right - left) * supersampling)
    depth = np.full(samples, np.inf, dtype=np.float32)
    drawn = np.empty((*samples, 3), dtype=np.uint8)
    triangles = np.ascontiguousarray(faces, dtype=np.int32)
    tint = np.asarray(back_tint, dtype=np.float32)
    rasterize(screen.astype(np.float32), triangles, shown.astype(np.float32), tint, depth, drawn)
    reduce_samples(drawn, depth, picture[top:bottom, left:right], supersampling)
    return picture
