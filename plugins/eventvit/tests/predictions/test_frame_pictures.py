from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from lightning_face.events.dark_frame import dark_picture
from lightning_face_eventvit.predictions.attention_sheet import heat_picture
from lightning_face_eventvit.predictions.frame_pictures import data_uri, frame_picture, spread


def test_dark_frames_get_the_colours_of_their_palette():
    frame = np.random.default_rng(0).choice([37, 126, 255], (1, 6, 6)).astype(np.uint8)
    picture = np.asarray(frame_picture(frame, 6))
    np.testing.assert_array_equal(picture, dark_picture(frame[0]))


def test_other_grey_frames_stay_grey():
    frame = np.arange(36, dtype=np.uint8).reshape(1, 6, 6)
    picture = np.asarray(frame_picture(frame, 12))
    np.testing.assert_array_equal(picture[::2, ::2], frame[0][..., None].repeat(3, axis=-1))


def test_thin_lines_of_events_survive_reduction():
    frame = np.full((1, 224, 224), 37, np.uint8)
    frame[0, 100] = 255
    picture = np.asarray(frame_picture(frame, 56))
    assert (picture == 255).all(axis=-1).any(axis=0).all()


def test_rgb_frames_keep_their_aspect():
    frame = np.zeros((3, 40, 80), np.uint8)
    frame[0] = 200
    picture = frame_picture(frame, 20)
    assert picture.size == (20, 10)
    assert picture.getpixel((5, 5)) == (200, 0, 0)


@pytest.mark.parametrize(
    ("length", "count", "places"),
    [(9, 3, [0, 4, 8]), (2, 5, [0, 1]), (1, 4, [0]), (10, 1, [0])],
)
def test_places_are_spread_from_first_to_last(length, count, places):
    assert spread(length, count) == places


def test_embedded_picture_is_the_smaller_of_png_and_jpeg():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for pixels, kind in ((noise, "jpeg"), (noise * 0, "png")):
        head, _, body = data_uri(Image.fromarray(pixels)).partition(",")
        assert head == f"data:image/{kind};base64"
        assert Image.open(io.BytesIO(base64.b64decode(body))).size == (64, 64)


def test_heat_is_bright_where_the_weights_are():
    frame = np.full((1, 32, 32), 37, np.uint8)
    heat = np.zeros((4, 4))
    heat[1, 2] = 0.5
    picture = np.asarray(heat_picture(frame, heat, 32, hottest=0.5).convert("L"), float)
    assert picture[12, 20] > 150
    assert picture[12, 20] == picture.max()
    assert picture[28, 4] < 40
