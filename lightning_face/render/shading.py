"""Light on a surface, computed at its vertices."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lightning_face.optional import optional_import

__all__ = ["CLAY", "shade", "vertex_normals"]

Floats = NDArray[np.float64]

# Colour of a surface that has none of its own, sRGB.
CLAY = (0.76, 0.70, 0.66)

# Directions towards the lights for a viewer that looks along +z, with x right and y down:
# key from the upper left, fill from the right, rim from behind. Then colour times strength.
_LIGHTS = np.array([[-0.45, -0.65, -0.75], [0.85, -0.10, -0.55], [0.30, -0.55, 0.60]])
_LIGHT_COLORS = np.array([[0.78, 0.74, 0.69], [0.20, 0.23, 0.28], [0.28, 0.30, 0.36]])
# Light from everywhere, from above and from below.
_SKY, _GROUND = np.array([0.27, 0.28, 0.30]), np.array([0.12, 0.11, 0.10])
_GLOSS, _SHININESS = 0.10, 24
_GAMMA = 2.2


def vertex_normals(vertices: Floats, faces: NDArray[np.int64]) -> Floats:
    """Return the outward directions at the vertices, means over triangles weighted by area.

    Args:
        vertices: Positions ``(vertices, 3)``.
        faces: Triangles ``(triangles, 3)``, counter-clockwise seen from outside.

    Returns:
        Unit vectors ``(vertices, 3)``; 0 at vertices without a triangle.

    Raises:
        ConfigError: numba is not installed.
    """
    optional_import("numba", extra="morphable")
    from lightning_face.render.rasterizer_numba import sum_face_normals

    # lengths about 1 keep areas of small faces in float32
    spread = float(np.ptp(vertices, axis=0).max()) or 1.0
    points = ((vertices - vertices.mean(axis=0)) / spread).astype(np.float32)
    normals = np.zeros_like(points)
    sum_face_normals(points, np.ascontiguousarray(faces, dtype=np.int32), normals)
    wide = normals.astype(np.float64)
    return wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-30)


def shade(normals: Floats, axes: Floats, colors: ArrayLike = CLAY) -> Floats:
    """Return what the viewer sees of a surface under three lights that move with the viewer.

    Args:
        normals: Outward unit vectors ``(vertices, 3)``.
        axes: Right, down and away of the viewer, as rows ``(3, 3)``.
        colors: One colour ``(3,)`` or one a vertex ``(vertices, 3)``, sRGB in 0..1.

    Returns:
        sRGB ``(vertices, 3)`` in 0..1.
    """
    seen = normals @ axes.T
    lights = _LIGHTS / np.linalg.norm(_LIGHTS, axis=1, keepdims=True)
    diffuse = np.maximum(seen @ lights.T, 0) @ _LIGHT_COLORS
    upward = 0.5 - 0.5 * seen[:, 1:2]
    ambient = _GROUND + (_SKY - _GROUND) * upward
    halfway = lights[0] + np.array([0.0, 0.0, -1.0])
    halfway /= np.linalg.norm(halfway)
    gloss = _GLOSS * np.maximum(seen @ halfway, 0)[:, None] ** _SHININESS
    surface = np.asarray(colors, dtype=np.float64) ** _GAMMA
    return np.clip(surface * (ambient + diffuse) + gloss, 0, 1) ** (1 / _GAMMA)
