"""Colours of numbers."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.render.color_map import draw_color_bar, heat_colors, round_up


def test_colours_get_darker_all_the_way():
    colors = heat_colors(np.linspace(0, 5, 200), 5.0)
    luminance = colors @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(luminance[3:]) < 0).mean() > 0.95
    assert luminance[0] - luminance[-1] > 0.5


def test_values_outside_take_the_colour_of_the_end():
    low, high, under, over = heat_colors([0, 5, -1, 99], 5.0)
    np.testing.assert_array_equal(low, under)
    np.testing.assert_array_equal(high, over)


@pytest.mark.parametrize(
    ("value", "rounded"), [(0, 0.1), (0.13, 0.2), (0.2, 0.2), (3, 5), (5.1, 10), (70, 100)]
)
def test_ranges_are_round(value, rounded):
    assert round_up(value) == pytest.approx(rounded)


def test_bar_has_the_colours_and_leaves_the_rest_alone():
    picture = np.full((120, 300, 3), 255, np.uint8)
    draw_color_bar(picture, 2.0, "mm")
    assert (picture[:80] == 255).all()
    bar = picture[120 - 32, 66:234].astype(float) / 255
    np.testing.assert_allclose(bar, heat_colors(np.linspace(0, 2, len(bar)), 2.0), atol=0.02)
    assert (picture[95:] < 128).any(), "there are numbers below it"
