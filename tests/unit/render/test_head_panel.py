"""Pictures of a head from one side."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.render import HeadPanel, contact_sheet
from lightning_face.render.head_panel import outward_faces

pytest.importorskip("numba")


def cube():
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = [part for a, b, c, d in quads for part in ((a, b, c), (a, c, d))]
    return 0.1 * corners, np.array(faces)


def middle(picture):
    return picture[picture.shape[0] // 2, picture.shape[1] // 2].astype(int)


def test_head_is_in_the_middle_below_its_caption():
    vertices, faces = cube()
    panel = HeadPanel(faces, vertices, (200, 160), caption="a head", color_range=(2.0, "mm"))
    empty = HeadPanel(faces, vertices, (200, 160), caption="a head", color_range=(2.0, "mm"))
    drawn = (panel.draw(vertices) != empty._background).any(axis=2)
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    assert rows[0] >= 36
    assert rows[-1] < 200 - 44
    assert abs(columns[0] + columns[-1] - 159) <= 2


def test_panels_of_one_camera_show_movement():
    vertices, faces = cube()
    panel = HeadPanel(faces, vertices, (200, 160))
    twin = HeadPanel(faces, 2 * vertices, (200, 160), camera=panel.camera)
    np.testing.assert_array_equal(panel.draw(vertices), twin.draw(vertices))


def test_a_surface_inside_out_looks_the_same():
    vertices, faces = cube()
    right = HeadPanel(faces, vertices, (100, 80)).draw(vertices)
    wrong = HeadPanel(faces[:, ::-1], vertices, (100, 80)).draw(vertices)
    np.testing.assert_array_equal(right, wrong)
    np.testing.assert_array_equal(outward_faces(vertices, faces), faces)


def test_the_inside_is_dark():
    vertices, faces = cube()
    front = np.flatnonzero((vertices[faces][:, :, 2] > 0).all(axis=1))
    opened = np.delete(faces, front, axis=0)
    closed_panel = HeadPanel(faces, vertices, (100, 80))
    opened_panel = HeadPanel(opened, vertices, (100, 80))
    outside, inside = middle(closed_panel.draw(vertices)), middle(opened_panel.draw(vertices))
    assert inside.max() < 0.5 * outside.min()


def test_contact_sheet_holds_every_picture():
    pictures = [np.full((20, 30, 3), 40 * index, np.uint8) for index in range(5)]
    sheet = contact_sheet(pictures, [str(index) for index in range(5)], columns=3)
    assert sheet.shape == (2 * (20 + 20 + 6) + 6, 3 * 36 + 6, 3)
    for index, picture in enumerate(pictures):
        top, left = 6 + index // 3 * 46, 6 + index % 3 * 36
        np.testing.assert_array_equal(sheet[top : top + 20, left : left + 30], picture)
