from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from lightning_face.errors import ConfigError
from lightning_face.events.dark_frame import dark_picture
from lightning_face.events.event_array import EventArray
from lightning_face.events.recording import iterate_frames
from lightning_face.events.rendering import (
    Style,
    count_picture,
    render,
    time_surface_picture,
    voxel_picture,
)

BACKGROUND, BLUE, WHITE = [30, 37, 52], [64, 126, 200], [255, 255, 255]


def test_dark_and_tbr_pictures_are_those_that_networks_see(make_events):
    events = make_events()
    for style, coloured in (("dark", dark_picture), ("tbr", np.asarray)):
        drawn = list(render(events, 50, style))
        frames = iterate_frames(events, frame_rate=50, representation=style)
        for picture, frame in zip(drawn, frames, strict=True):
            np.testing.assert_array_equal(picture, coloured(frame))


@pytest.mark.parametrize("style", get_args(Style))
@pytest.mark.parametrize("size", [None, 12, 31])
def test_blocks_give_the_pictures_of_the_whole(make_events, style, size):
    events = make_events()
    blocks = (events[start : start + 333] for start in range(0, len(events), 333))
    pictures = list(render(blocks, 30, style, size))
    expected = np.stack(list(render(events, 30, style)))
    if size is not None:
        picked = np.arange(size) * 20 // size
        expected = expected[:, picked[:, None], picked + 4]
    np.testing.assert_array_equal(np.stack(pictures), expected)


def test_counts_are_brighter_with_more_events_and_white_where_pixels_became_brighter():
    darker, brighter = [[0, 1, 8, 0]], [[0, 0, 0, 50]]
    nothing, one, blue, white = count_picture(np.array([darker, brighter], np.int32))[0].tolist()
    assert (nothing, blue, white) == (BACKGROUND, BLUE, WHITE)
    assert BACKGROUND[2] < one[2] < BLUE[2]


def test_voxels_turn_from_blue_to_red_with_time():
    grid = np.zeros((5, 1, 3), np.float32)
    grid[0, 0, 0] = -9
    grid[4, 0, 1] = 9
    early, late, nothing = voxel_picture(grid)[0].tolist()
    assert early[2] > early[0]
    assert late[0] > late[2]
    assert nothing == BACKGROUND


def test_time_surfaces_show_the_later_polarity_and_fade():
    surface = np.array([[[1, 0.2, 0, 0.01]], [[0.5, 1, 0, 0]]], np.float32)
    blue, white, nothing, faded = time_surface_picture(surface)[0].tolist()
    assert (blue, white, nothing) == (BLUE, WHITE, BACKGROUND)
    assert np.abs(np.subtract(faded, BACKGROUND)).max() <= 2


def test_surfaces_remember_events_of_earlier_frames():
    events = EventArray.from_arrays([0, 39_000], [0, 1], [0, 0], [1, 1], 1, 3)
    _, late = render(events, 50, "time-surface")
    assert BACKGROUND[0] < late[0, 0, 0] < late[0, 1, 0]


def test_an_unknown_style_is_an_error(make_events):
    with pytest.raises(ConfigError, match="style='cubist': choose one of dark, tbr"):
        next(render(make_events(), 30, "cubist"))
