from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from lightning_face.errors import ConfigError
from lightning_face_sis.data.transforms import Preprocessing, PreprocessMode, image_tensor

WIDTH, HEIGHT = 120, 90


@pytest.fixture
def image() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize(
    ("mode", "resized", "result"),
    [
        ("resize", (60, 60), (60, 60)),
        ("resize_and_crop", (60, 60), (48, 48)),
        ("crop", (120, 90), (48, 48)),
        ("scale_width", (60, 45), (60, 45)),
        ("scale_width_and_crop", (60, 45), (48, 48)),
        ("scale_shortside", (80, 90), (80, 90)),
        ("scale_shortside_and_crop", (80, 90), (48, 48)),
        ("fixed", (48, 24), (48, 24)),
        ("none", (128, 96), (128, 96)),
    ],
)
def test_sizes(
    image: Image.Image, mode: PreprocessMode, resized: tuple[int, int], result: tuple[int, int]
) -> None:
    preprocessing = Preprocessing(mode, load_size=60, crop_size=48, aspect_ratio=2.0)
    assert preprocessing.resized(WIDTH, HEIGHT) == resized
    assert preprocessing.apply(image, Image.Resampling.BICUBIC).size == result


def test_a_tall_picture_is_scaled_by_its_longer_side_too() -> None:
    assert Preprocessing("scale_shortside", 60).resized(90, 120) == (90, 80)
    assert Preprocessing("scale_shortside", 90).resized(90, 120) == (90, 120)


def test_sides_are_rounded_to_even_multiples_and_never_vanish() -> None:
    nothing = Preprocessing("none")
    assert nothing.resized(80, 48) == (64, 64)
    assert nothing.resized(10, 65) == (32, 64)


def test_the_place_of_the_cut_covers_all_that_is_left() -> None:
    preprocessing = Preprocessing("scale_width_and_crop", load_size=50, crop_size=48)
    generator = torch.Generator().manual_seed(0)
    places = {preprocessing.draw_crop(WIDTH, HEIGHT, generator) for _ in range(60)}
    # the height, 37, is less than the cut
    assert places == {(0, 0), (1, 0), (2, 0)}
    assert preprocessing.draw_crop(WIDTH, HEIGHT) == (1, 0)
    assert Preprocessing("fixed").draw_crop(WIDTH, HEIGHT, generator) == (0, 0)


def test_a_cut_beyond_the_picture_is_black(image: Image.Image) -> None:
    cut = Preprocessing("crop", crop_size=100).apply(image, Image.Resampling.BICUBIC, (20, 0))
    np.testing.assert_array_equal(np.asarray(cut)[:90], np.asarray(image)[:, 20:])
    assert np.asarray(cut)[90:].max() == 0


def test_picture_and_label_map_stay_together() -> None:
    labels = np.zeros((64, 64), dtype=np.uint8)
    labels[10:30, 40:60] = 1
    label = Image.fromarray(labels)
    picture = Image.fromarray(labels * 255).convert("RGB")
    preprocessing = Preprocessing("resize_and_crop", load_size=128, crop_size=100)
    cut = preprocessing.apply(label, Image.Resampling.NEAREST, (9, 17), mirror=True)
    shown = preprocessing.apply(picture, Image.Resampling.BICUBIC, (9, 17), mirror=True)
    agree = (np.asarray(shown)[..., 0] > 127) == (np.asarray(cut) == 1)
    assert agree.mean() > 0.99
    assert 0.1 < np.asarray(cut).mean() < 0.2


def test_a_picture_fills_minus_one_to_one(image: Image.Image) -> None:
    tensor = image_tensor(image)
    assert tensor.shape == (3, HEIGHT, WIDTH)
    assert tensor.dtype == torch.float32
    assert (tensor.min().item(), tensor.max().item()) == (-1.0, 1.0)


def test_settings_that_make_no_picture_are_refused() -> None:
    with pytest.raises(ConfigError, match="scale_shortside_and_crop"):
        Preprocessing("stretch")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="must be positive"):
        Preprocessing(crop_size=0)
