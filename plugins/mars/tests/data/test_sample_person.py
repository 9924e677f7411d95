"""Drawn pedestrians."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lightning_face_mars.data.sample_person import CLOTH_COLORS, Pedestrian, draw_picture

PERSON = Pedestrian(
    woman=False,
    hair="brown",
    shirt="red",
    garment="pants",
    garment_color="blue",
    shoes="white",
    bag=None,
    bag_color="green",
    skin=0,
    width=1.0,
    height=1.0,
)
# rows and columns of a picture where something is seen in all of them
SHIRT = (slice(62, 84), slice(42, 54))
LEGS = (slice(108, 120), slice(38, 58))


def picture(person, seed=0):
    return np.asarray(draw_picture(person, np.random.default_rng(seed)))


def nearest(pixels):
    mean = pixels.reshape(-1, 3).mean(0)
    return min(CLOTH_COLORS, key=lambda name: np.abs(np.array(CLOTH_COLORS[name]) - mean).sum())


@pytest.mark.parametrize("color", list(CLOTH_COLORS))
def test_clothes_have_the_colour_of_their_name(color):
    for seed in range(5):
        assert nearest(picture(replace(PERSON, shirt=color), seed)[SHIRT]) == color
        garment = replace(PERSON, garment_color=color)
        assert nearest(picture(garment, seed)[LEGS]) == color


def test_a_picture_follows_from_its_seed():
    assert np.array_equal(picture(PERSON, 3), picture(PERSON, 3))
    assert picture(PERSON).shape == (192, 96, 3)


def test_pictures_of_a_person_differ():
    first, second = picture(PERSON, 0).astype(float), picture(PERSON, 1)
    assert np.abs(first - second).mean() > 10


@pytest.mark.parametrize(
    "change",
    [
        {"woman": True},
        {"hair": "blond"},
        {"garment": "skirt"},
        {"garment": "shorts"},
        {"shoes": "red"},
        {"bag": "backpack"},
        {"bag": "handbag"},
        {"skin": 3},
        {"height": 0.94},
    ],
)
def test_all_that_is_said_of_a_person_is_seen(change):
    # the same draws, so that nothing else differs
    changed = picture(replace(PERSON, **change)).astype(float)
    assert (np.abs(changed - picture(PERSON)).max(-1) > 40).sum() > 60
