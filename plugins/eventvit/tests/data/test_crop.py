"""Random crops stay in the square and have the areas and aspects of the recipe."""

from __future__ import annotations

import numpy as np
import torch

from lightning_face.data.randomness import sample_generator
from lightning_face_eventvit.data.crop import Crop, random_crop


def crops(side: int, count: int = 400) -> list[Crop]:
    return [random_crop(side, sample_generator(0, 0, index)) for index in range(count)]


def test_crops_lie_inside_and_keep_area_and_aspect():
    drawn = np.array(crops(360))
    top, left, height, width = drawn.T
    assert (drawn >= 0).all()
    assert (top + height <= 360).all()
    assert (left + width <= 360).all()
    area = height * width / 360**2
    assert area.min() > 0.79
    assert area.max() <= 1
    # 0.8 of the area cannot be narrower than 0.8
    aspect = width / height
    assert 0.74 < aspect.min() < 0.9
    assert 1.1 < aspect.max() < 1.35


def test_crops_reach_every_border():
    top, left, height, width = np.array(crops(36, 2000)).T
    assert {0, 7} <= set(top)
    assert {0, 7} <= set(left)
    assert (top + height).max() == 36
    assert (left + width).max() == 36


def test_one_pixel_is_taken_whole():
    assert random_crop(1, torch.Generator().manual_seed(0)) == Crop(0, 0, 1, 1)


def test_the_generator_decides():
    assert crops(100, 5) == crops(100, 5)
    assert len(set(crops(100, 5))) == 5
