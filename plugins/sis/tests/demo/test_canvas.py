from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from lightning_face_sis.data.colors import face_colors
from lightning_face_sis.data.label_map import read_label_map
from lightning_face_sis.demo.canvas import (
    canvas_size,
    canvas_value,
    hex_color,
    palette_picture,
    read_strokes,
)

COLORS = face_colors().numpy()
LABELS = np.arange(19, dtype=np.uint8).repeat(2)[None].repeat(4, axis=0)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((64, 64), (512, 512)),
        ((128, 128), (512, 512)),
        ((256, 256), (512, 512)),
        ((256, 512), (512, 256)),
        ((192, 192), (576, 576)),
        ((1024, 1024), (1024, 1024)),
    ],
)
def test_every_pixel_of_a_mask_covers_as_many_of_the_canvas(size, expected):
    assert canvas_size(size) == expected


def test_the_canvas_shows_the_classes_in_colours():
    value = canvas_value(LABELS, COLORS)
    width, height = canvas_size(LABELS.shape)
    assert value["background"].size == (width, height)
    shown = np.asarray(value["background"])[:: height // 4, :: width // 38]
    assert np.array_equal(shown, COLORS[LABELS])
    assert value["layers"] == []


def test_a_palette_picture_is_a_label_map(tmp_path):
    path = tmp_path / "mask.png"
    palette_picture(LABELS, COLORS).save(path)
    assert np.array_equal(np.asarray(read_label_map(path)), LABELS)
    with Image.open(path) as picture:
        assert np.array_equal(np.asarray(picture.convert("RGB")), COLORS[LABELS])


def test_151_classes_have_a_palette():
    labels = np.arange(151, dtype=np.uint8)[None]
    colors = np.random.default_rng(0).integers(0, 256, (151, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    palette_picture(labels, colors).save(buffer, "PNG")
    with Image.open(buffer) as picture:
        assert np.array_equal(np.asarray(picture.convert("RGB"))[0], colors)


def layer(*opacities):
    pixels = np.zeros((1, len(opacities), 4), np.uint8)
    pixels[0, :, 3] = opacities
    return Image.fromarray(pixels)


@pytest.mark.parametrize("value", [None, {}, {"layers": []}, {"layers": [layer(0, 0)]}])
def test_nothing_painted_is_none(value):
    assert read_strokes(value) is None


def test_strokes_of_all_layers_count():
    strokes = read_strokes({"layers": [layer(0, 255, 0), layer(9, 0, 0)]})
    assert strokes.tolist() == [[9, 255, 0]]


def test_colours_are_written_as_pages_do():
    assert [hex_color(each) for each in COLORS[:3]] == ["#000000", "#cc0000", "#4c9900"]
