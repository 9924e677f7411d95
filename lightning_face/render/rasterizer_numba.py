"""Compiled loops of the renderer; importing this module imports numba."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indices = NDArray[np.int32]
Bytes = NDArray[np.uint8]

_compiled = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})


@_compiled
def sum_face_normals(vertices: Floats, faces: Indices, normals: Floats) -> None:
    """Add to every vertex the normals of its triangles, twice their area long."""
    for face in range(faces.shape[0]):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        ux, uy, uz = (
            vertices[b, 0] - vertices[a, 0],
            vertices[b, 1] - vertices[a, 1],
            vertices[b, 2] - vertices[a, 2],
        )
        vx, vy, vz = (
            vertices[c, 0] - vertices[a, 0],
            vertices[c, 1] - vertices[a, 1],
            vertices[c, 2] - vertices[a, 2],
        )
        x, y, z = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for corner in (a, b, c):
            normals[corner, 0] += x
            normals[corner, 1] += y
            normals[corner, 2] += z


@_compiled
def rasterize(
    screen: Floats, faces: Indices, colors: Floats, back_tint: Floats, depth: Floats, drawn: Bytes
) -> None:
    """Draw triangles into a picture, the nearest on top.

    Args:
        screen: Columns, rows and depths of the vertices ``(vertices, 3)``; the centre of the first
            pixel is (0.5, 0.5).
        faces: Triangles ``(triangles, 3)``, seen from either side.
        colors: Colours of the vertices ``(vertices, 3)``, 0..255, interpolated between them.
        back_tint: Factors ``(3,)`` of the colours of triangles seen from inside, those whose
            corners run clockwise.
        depth: ``(height, width)``, infinite where nothing is drawn; is updated.
        drawn: ``(height, width, 3)``; is updated.
    """
    height, width = depth.shape
    for face in range(faces.shape[0]):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        ax, ay, az = screen[a, 0], screen[a, 1], screen[a, 2]
        bx, by, bz = screen[b, 0], screen[b, 1], screen[b, 2]
        cx, cy, cz = screen[c, 0], screen[c, 1], screen[c, 2]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        left = max(int(np.floor(min(ax, bx, cx))), 0)
        right = min(int(np.ceil(max(ax, bx, cx))), width)
        top = max(int(np.floor(min(ay, by, cy))), 0)
        bottom = min(int(np.ceil(max(ay, by, cy))), height)
        if area == 0 or left >= right or top >= bottom:
            continue
        # weights of b and c in a pixel are linear: value at the origin, steps right and down
        scale = np.float32(1) / area
        b_right, b_down = (cy - ay) * scale, (ax - cx) * scale
        c_right, c_down = (ay - by) * scale, (bx - ax) * scale
        first_x, first_y = left + np.float32(0.5) - ax, top + np.float32(0.5) - ay
        b_row = first_x * b_right + first_y * b_down
        c_row = first_x * c_right + first_y * c_down
        for row in range(top, bottom):
            b_part, c_part = b_row, c_row
            for column in range(left, right):
                a_part = np.float32(1) - b_part - c_part
                if a_part >= 0 and b_part >= 0 and c_part >= 0:
                    z = a_part * az + b_part * bz + c_part * cz
                    if z < depth[row, column]:
                        depth[row, column] = z
                        for channel in range(3):
                            value = (
                                a_part * colors[a, channel]
                                + b_part * colors[b, channel]
                                + c_part * colors[c, channel]
                            )
                            if area > 0:
                                value *= back_tint[channel]
                            drawn[row, column, channel] = np.uint8(value + np.float32(0.5))
                b_part += b_right
                c_part += c_right
            b_row += b_down
            c_row += c_down


@_compiled
def reduce_samples(drawn: Bytes, depth: Floats, picture: Bytes, samples: int) -> None:
    """Average the samples of every pixel; samples without a triangle keep the background.

    Args:
        drawn: Samples ``(height * samples, width * samples, 3)``.
        depth: Their depths, infinite where nothing was drawn.
        picture: Background ``(height, width, 3)``; is drawn upon.
        samples: Samples across and down a pixel.
    """
    height, width, _ = picture.shape
    count = samples * samples
    for row in range(height):
        for column in range(width):
            red, green, blue, free = 0, 0, 0, 0
            for i in range(row * samples, (row + 1) * samples):
                for j in range(column * samples, (column + 1) * samples):
                    if depth[i, j] == np.inf:
                        free += 1
                    else:
                        red += drawn[i, j, 0]
                        green += drawn[i, j, 1]
                        blue += drawn[i, j, 2]
            if free == count:
                continue
            pixel = picture[row, column]
            pixel[0] = (red + free * pixel[0] + count // 2) // count
            pixel[1] = (green + free * pixel[1] + count // 2) // count
            pixel[2] = (blue + free * pixel[2] + count // 2) // count
