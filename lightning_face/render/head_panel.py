"""Pictures of a head that moves, each from one side and under a caption."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

from lightning_face.render.camera import AffineCamera, front_view
from lightning_face.render.color_map import draw_color_bar
from lightning_face.render.mesh import render_mesh
from lightning_face.render.shading import CLAY

__all__ = ["HeadPanel", "contact_sheet", "outward_faces"]

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

INK = "#333a46"
"""Colour of captions and numbers."""

_TOP, _BOTTOM = np.array([250.0, 250.0, 251.0]), np.array([218.0, 222.0, 228.0])
_CAPTION_HEIGHT = 36
_BAR_ROOM = 44
# What is seen from inside, through an open mouth or from below the neck, lies in the dark.
_INSIDE = (0.30, 0.20, 0.19)


class HeadPanel:
    """A place on the screen where a head is seen, the camera standing still.

    Args:
        faces: Triangles ``(triangles, 3)``.
        still: Positions ``(vertices, 3)`` of the head at rest, with y up and the face towards z;
            the camera is placed by them.
        size: Height and width in pixels.
        turn: Angles in radians by which the head is turned about its vertical axis (positive
            shows more of its right side) and then nods.
        caption: A line above the head.
        color_range: Value of the last colour and its unit, for a bar below the head.
        margin: Free border around the head at rest, as a part of the picture.
        bar_room: Leave the room of a bar even where there is none, as in the panel beside.
        camera: Another panel's camera, for heads that are to be seen alike.
    """

    def __init__(
        self,
        faces: NDArray[np.int64],
        still: NDArray[np.floating],
        size: tuple[int, int],
        turn: tuple[float, float] = (0.0, 0.0),
        caption: str = "",
        color_range: tuple[float, str] | None = None,
        margin: float = 0.07,
        bar_room: bool = False,
        camera: AffineCamera | None = None,
    ) -> None:
        self.size = size
        rest = still.astype(np.float64)
        self._faces = outward_faces(rest, faces)
        if camera is None:
            top = _CAPTION_HEIGHT if caption else 0
            bottom = _BAR_ROOM if bar_room or color_range else 0
            camera = front_view(rest, (max(size[0] - top - bottom, 1), size[1]), margin, turn)
            camera = AffineCamera(camera.matrix, camera.translation + np.array([0, top]))
        self.camera = camera
        self._background = _backdrop(size)
        if caption:
            _write_caption(self._background, caption)
        if color_range:
            draw_color_bar(self._background, *color_range, color=INK)

    def draw(self, vertices: NDArray[np.floating], colors: ArrayLike = CLAY) -> Bytes:
        """Draw one frame.

        Args:
            vertices: Positions ``(vertices, 3)``, in the frame and unit of those at rest.
            colors: One colour ``(3,)`` or one a vertex ``(vertices, 3)``, sRGB in 0..1.

        Returns:
            RGB ``(height, width, 3)``.
        """
        return render_mesh(
            *(vertices.astype(np.float64), self._faces, self.camera, self.size),
            colors=colors,
            background=self._background,
            back_tint=_INSIDE,
        )


def outward_faces(vertices: Floats, faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """Turn all triangles over where the surface as a whole is inside out.

    Args:
        vertices: Positions ``(vertices, 3)``.
        faces: Triangles ``(triangles, 3)``.
    """
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    outward = ((corners.mean(axis=1) - vertices.mean(axis=0)) * normals).sum()
    return faces if outward >= 0 else np.ascontiguousarray(faces[:, ::-1])


def contact_sheet(
    pictures: Sequence[Bytes], labels: Sequence[str], columns: int, gap: int = 6
) -> Bytes:
    """Lay pictures of one size out in rows, each with a label below.

    Args:
        pictures: RGB ``(height, width, 3)`` each.
        labels: A short text for each.
        columns: Pictures in a row.
        gap: White pixels between the pictures.

    Returns:
        RGB ``(sheet height, sheet width, 3)``.
    """
    height, width = pictures[0].shape[:2]
    text = 20
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = Image.new(
        "RGB",
        (columns * (width + gap) + gap, rows * (height + text + gap) + gap),
        "white",
    )
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)
    for index, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        left = gap + (index % columns) * (width + gap)
        top = gap + (index // columns) * (height + text + gap)
        sheet.paste(Image.fromarray(picture), (left, top))
        draw.text((left + width / 2, top + height + text / 2), label, INK, font, anchor="mm")
    return np.array(sheet)


def _backdrop(size: tuple[int, int]) -> Bytes:
    """A wall that is lit from above, darker towards the corners."""
    rows, columns = np.linspace(0, 1, size[0])[:, None], np.linspace(-1, 1, size[1])[None]
    away = np.clip(((rows - 0.42) * 1.7) ** 2 + (0.55 * columns) ** 2, 0, 1)[..., None]
    wall: Bytes = np.rint(_TOP + (_BOTTOM - _TOP) * away).astype(np.uint8)
    return wall


def _write_caption(picture: Bytes, caption: str) -> None:
    image = Image.fromarray(picture)
    place = (picture.shape[1] / 2, _CAPTION_HEIGHT / 2 + 2)
    ImageDraw.Draw(image).text(place, caption, INK, ImageFont.load_default(17), anchor="mm")
    picture[:] = np.asarray(image)
