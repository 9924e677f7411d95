from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from lightning_face_mambast.transforms import (
    evaluation_transform,
    fit_longer_side,
    random_crop,
    resize_exact,
    resize_shorter_side,
    to_tensor,
    training_transform,
)


def picture(width: int = 131, height: int = 90) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((131, 90), (69, 48)), ((90, 131), (48, 69)), ((48, 60), (48, 60)), ((20, 30), (48, 72))],
)
def test_shorter_side_is_met_and_the_other_rounded_down(size, expected):
    assert resize_shorter_side(picture(*size), 48).size == expected


@pytest.mark.parametrize(
    ("size", "expected"), [((131, 90), (64, 44)), ((50, 60), (50, 60)), ((1000, 2), (64, 1))]
)
def test_longer_side_is_only_ever_shrunk(size, expected):
    assert fit_longer_side(picture(*size), 64).size == expected


@pytest.mark.parametrize("size", [(131, 90), (90, 131), (64, 64), (20, 33)])
def test_evaluation_gives_a_square_from_the_middle(size):
    image = picture(*size)
    tensor = evaluation_transform(image, 48)
    assert tensor.shape == (3, 48, 48)
    resized = to_tensor(resize_shorter_side(image, 48))
    top, left = ((side - 48) // 2 for side in resized.shape[1:])
    candidates = [
        resized[:, top + dy : top + dy + 48, left + dx : left + dx + 48]
        for dy in (0, 1)
        for dx in (0, 1)
    ]
    assert any(torch.equal(tensor, each) for each in candidates if each.shape == tensor.shape)


def test_crop_place_rounds_half_to_even():
    gradient = Image.fromarray(np.arange(7, dtype=np.uint8)[None].repeat(4, 0)).convert("RGB")
    assert int(evaluation_transform(gradient, 4)[0, 0, 0] * 255) == 2


def test_training_stretches_to_a_square_and_cuts_a_part_of_it():
    image = picture()
    stretched = to_tensor(resize_exact(image, 64))
    cut = training_transform(image, generator(), size=64, crop=32)
    places = stretched.unfold(1, 32, 1).unfold(2, 32, 1)
    assert (places == cut[:, None, None]).all(dim=(0, 3, 4)).any()
    assert torch.equal(training_transform(image, generator(), 64, 64), stretched)


def test_cut_is_a_function_of_the_generator_and_reaches_every_place():
    image = resize_exact(picture(), 10)
    first = to_tensor(random_crop(image, 8, generator(5)))
    assert torch.equal(first, to_tensor(random_crop(image, 8, generator(5))))
    shared = generator(0)
    cuts = {random_crop(image, 8, shared).tobytes() for _ in range(200)}
    assert len(cuts) == 9


def test_cut_larger_than_the_picture_is_refused():
    with pytest.raises(ValueError, match="cannot cut 32x32 pixels out of 31x40"):
        random_crop(picture(31, 40), 32, generator())


def test_tensor_holds_the_levels_divided_by_255():
    pixels = np.arange(0, 48, dtype=np.uint8).reshape(4, 4, 3)
    tensor = to_tensor(Image.fromarray(pixels))
    assert torch.equal(tensor, torch.from_numpy(pixels).permute(2, 0, 1) / 255)
    assert tensor.is_contiguous()
