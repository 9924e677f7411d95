from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.events.dark_frame import dark_frame, dark_frames, dark_picture
from lightning_face.events.event_array import EventArray


def one_by_one(events):
    frame = np.full((events.height, events.width), 37, np.uint8)
    for x, y, p in zip(events.x, events.y, events.p, strict=True):
        frame[y, x] = 255 if p else 126
    return frame


def test_the_last_event_of_a_pixel_decides(make_events, backend):
    events = make_events()
    frame = dark_frame(events)
    assert frame.dtype == np.uint8
    np.testing.assert_array_equal(frame, one_by_one(events))


def test_frames_hold_the_events_between_their_boundaries(make_events, backend):
    events = make_events()
    boundaries = [0, 4200, 50_000, 50_000, 120_001, 10**9]
    frames = dark_frames(events, boundaries)
    for frame, start, end in zip(frames, boundaries, boundaries[1:], strict=False):
        np.testing.assert_array_equal(frame, one_by_one(events.between(start, end)))


def test_an_event_at_a_boundary_belongs_to_the_frame_that_begins_there():
    events = EventArray.from_arrays([10], [0], [0], [1], 1, 1)
    assert dark_frames(events, [0, 10, 20]).ravel().tolist() == [37, 255]


def test_without_events_there_is_only_background():
    assert (dark_frames(EventArray.empty(3, 4), [0, 1, 2]) == 37).all()


def test_boundaries_that_run_back_are_an_error(make_events):
    with pytest.raises(DataError, match="run back at frame 2: 4 us after 5 us"):
        dark_frames(make_events(), [0, 5, 4])


def test_the_grey_levels_are_the_green_plane_of_the_picture(make_events):
    frames = dark_frames(make_events(), [0, 100_000, 200_000])
    picture = dark_picture(frames)
    assert picture.shape == (2, 20, 28, 3)
    np.testing.assert_array_equal(picture[..., 1], frames)
    assert {tuple(colour) for colour in picture.reshape(-1, 3).tolist()} == {
        (30, 37, 52),
        (64, 126, 200),
        (255, 255, 255),
    }
