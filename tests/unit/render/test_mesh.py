"""Pictures of meshes."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.render import AffineCamera, render_mesh, shade, vertex_normals

pytest.importorskip("numba")

CAMERA = AffineCamera(np.array([[1.0, 0, 0], [0, -1.0, 0]]), np.array([0.0, 64]))
SIZE = (64, 64)


def square(low, high, z=0.0):
    """A square in the picture plane, facing the viewer."""
    corners = [(low, low, z), (high, low, z), (high, high, z), (low, high, z)]
    return np.array(corners, dtype=float), np.array([[0, 1, 2], [0, 2, 3]])


def sphere(rows=40, columns=80, radius=28.0):
    height = np.linspace(0, np.pi, rows)[:, None]
    around = np.linspace(0, 2 * np.pi, columns, endpoint=False)[None]
    unit = np.stack(
        [
            np.sin(height) * np.sin(around),
            np.cos(height) * np.ones_like(around),
            np.sin(height) * np.cos(around),
        ],
        axis=-1,
    ).reshape(-1, 3)
    faces = []
    for row in range(rows - 1):
        for column in range(columns):
            a, b = row * columns + column, row * columns + (column + 1) % columns
            faces += [(a, a + columns, b), (b, a + columns, b + columns)]
    return unit * radius + (32, 32, 0), np.array(faces), unit


def covered(picture):
    return (picture != 255).any(axis=-1)


@pytest.mark.parametrize("supersampling", [1, 2, 3])
def test_a_square_covers_its_pixels_and_no_others(supersampling):
    picture = render_mesh(*square(10, 30), CAMERA, SIZE, supersampling=supersampling)
    expected = np.zeros(SIZE, dtype=bool)
    expected[64 - 30 : 64 - 10, 10:30] = True
    np.testing.assert_array_equal(covered(picture), expected)


def test_an_edge_inside_a_pixel_is_mixed_with_the_background():
    hard = render_mesh(*square(10.5, 30), CAMERA, SIZE, background=(0, 0, 0), supersampling=1)
    soft = render_mesh(*square(10.5, 30), CAMERA, SIZE, background=(0, 0, 0), supersampling=4)
    full, half = soft[44, 20].astype(float), soft[44, 10].astype(float)
    np.testing.assert_allclose(half, full / 2, atol=1)
    assert not soft[44, 9].any()
    assert len(np.unique(hard[44].reshape(-1, 3), axis=0)) == 2


@pytest.mark.parametrize("order", [1, -1])
def test_the_nearer_surface_hides_the_other(order):
    (far, faces), (near, _) = square(10, 50, z=-5), square(20, 40, z=5)
    vertices = np.concatenate([far, near])
    both = np.concatenate([faces, faces + 4][::order])
    red_blue = np.repeat([[1.0, 0, 0], [0, 0, 1.0]], 4, axis=0)
    picture = render_mesh(vertices, both, CAMERA, SIZE, colors=red_blue).astype(int)
    assert picture[32, 32, 2] > picture[32, 32, 0] + 50
    assert picture[64 - 15, 15, 0] > picture[64 - 15, 15, 2] + 50


def test_surfaces_that_cross_are_cut_where_they_cross():
    flat, faces = square(10, 50)
    slope, _ = square(10, 50)
    slope[:, 2] = slope[:, 0] - 30
    colors = np.repeat([[1.0, 0, 0], [0, 0, 1.0]], 4, axis=0)
    vertices = np.concatenate([flat, slope])
    picture = render_mesh(vertices, np.concatenate([faces, faces + 4]), CAMERA, SIZE, colors)
    blue = picture[32, :, 2].astype(int) > picture[32, :, 0]
    assert not blue[10:29].any()
    assert blue[31:50].all()


def test_colours_run_smoothly_between_vertices():
    vertices, faces = square(0, 64)
    colors = np.repeat(np.array([[0.2], [0.8], [0.8], [0.2]]), 3, axis=1)
    row = render_mesh(vertices, faces, CAMERA, SIZE, colors)[32, :, 0].astype(int)
    steps = np.diff(row)
    assert (steps >= 0).all()
    assert steps.max() <= 6
    assert row[-1] - row[0] > 100


def test_a_sphere_is_a_filled_disc():
    vertices, faces, _ = sphere()
    picture = render_mesh(vertices, faces, CAMERA, SIZE)
    rows, columns = np.mgrid[:64, :64] + 0.5
    distance = np.hypot(rows - 32, columns - 32)
    assert covered(picture)[distance < 27].all()
    assert not covered(picture)[distance > 29].any()


def test_light_comes_from_the_upper_left_of_the_viewer():
    vertices, faces, _ = sphere()
    picture = render_mesh(vertices, faces, CAMERA, SIZE).astype(int)
    assert picture[20, 24].sum() > picture[44, 40].sum() + 60


def test_the_far_side_is_seen_from_behind():
    vertices, faces, _ = sphere()
    front = vertices[:, 2] > 0
    colors = np.where(front[:, None], (1.0, 0, 0), (0, 0, 1.0))
    behind = AffineCamera(CAMERA.matrix * (-1, 1, 1), np.array([64.0, 64]))
    assert render_mesh(vertices, faces, CAMERA, SIZE, colors)[32, 32].argmax() == 0
    assert render_mesh(vertices, faces, behind, SIZE, colors)[32, 32].argmax() == 2


def test_a_picture_as_background():
    background = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    kept = background.copy()
    picture = render_mesh(*square(10, 30), CAMERA, SIZE, background=background)
    inside = np.zeros(SIZE, dtype=bool)
    inside[34:54, 10:30] = True
    np.testing.assert_array_equal(picture[~inside], background[~inside])
    assert (picture[inside] != background[inside]).any(axis=-1).mean() > 0.9
    np.testing.assert_array_equal(background, kept)


@pytest.mark.parametrize("shift", [0, 40, -40, 1000])
def test_what_is_outside_the_picture_is_cut_off(shift):
    vertices, faces = square(-500, 500)
    picture = render_mesh(vertices + np.array([shift, shift, 0]), faces, CAMERA, (48, 64))
    # the edges of the largest shift lie outside, and nothing is seen
    assert covered(picture).all() == (abs(shift) < 400)
    assert covered(picture).any() == (abs(shift) < 400)


def test_a_mesh_without_triangles_is_the_background():
    vertices, faces = square(10, 30)
    assert not covered(render_mesh(vertices, faces[:0], CAMERA, SIZE)).any()


def test_a_far_origin_loses_no_depth():
    (far, faces), (near, _) = square(10, 50, z=1e6), square(20, 40, z=1e6 + 0.01)
    vertices = np.concatenate([near, far])
    colors = np.repeat([[1.0, 0, 0], [0, 0, 1.0]], 4, axis=0)
    both = np.concatenate([faces, faces + 4])
    assert render_mesh(vertices, both, CAMERA, SIZE, colors)[32, 32].argmax() == 0


def test_normals_of_a_sphere_point_outwards():
    vertices, faces, unit = sphere()
    inner = slice(80, -80)
    cosine = (vertex_normals(vertices, faces) * unit)[inner].sum(axis=1)
    assert cosine.min() > 0.999


def test_normals_do_not_depend_on_place_or_size():
    vertices, faces, _ = sphere()
    moved = vertex_normals(vertices * 1e-3 + 5, faces)
    np.testing.assert_allclose(moved, vertex_normals(vertices, faces), atol=1e-4)


def test_a_vertex_without_triangle_has_no_normal():
    vertices, faces = square(0, 1)
    normals = vertex_normals(np.vstack([vertices, [[5, 5, 5]]]), faces)
    np.testing.assert_allclose(normals, [[0, 0, 1]] * 4 + [[0, 0, 0]])


def test_shading_stays_in_range_and_follows_the_colour():
    normals = np.random.default_rng(0).normal(size=(500, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    white, dark = shade(normals, CAMERA.axes, (1, 1, 1)), shade(normals, CAMERA.axes, (0.3,) * 3)
    assert white.min() >= 0
    assert white.max() <= 1
    assert (white > dark).all()


@pytest.mark.parametrize(
    ("vertices", "faces", "message"),
    [
        (np.full((3, 3), np.nan), np.array([[0, 1, 2]]), "not finite"),
        (np.zeros((3, 3)), np.array([[0, 1, 3]]), "not there"),
        (np.zeros((3, 3)), np.array([[-1, 1, 2]]), "not there"),
    ],
)
def test_a_broken_mesh_is_one_error(vertices, faces, message):
    with pytest.raises(DataError, match=message):
        render_mesh(vertices, faces, CAMERA, SIZE)
