from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import ConfigError
from lightning_face.events.centre_square import centre_square, enlarge
from lightning_face.events.dark_frame import dark_frame
from lightning_face.events.event_array import EventArray
from lightning_face.events.tbr import tbr


def square_of(frames, size):
    height, width = frames.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    picked = np.arange(size) * side // size
    return frames[..., top : top + side, left : left + side][..., picked[:, None], picked]


@pytest.mark.parametrize(("height", "width"), [(20, 28), (28, 21), (9, 9)])
@pytest.mark.parametrize("size", [1, 7, 9, 20, 33])
def test_drawing_and_picking_pixels_can_change_places(make_events, backend, height, width, size):
    events = make_events(height=height, width=width)
    small = centre_square(events, size)
    np.testing.assert_array_equal(
        enlarge(dark_frame(small), size), square_of(dark_frame(events), size)
    )
    times = [50_000, 90_000]
    np.testing.assert_array_equal(
        enlarge(tbr(small, times, 5000), size), square_of(tbr(events, times, 5000), size)
    )


def test_an_empty_recording_stays_empty(backend):
    small = centre_square(EventArray.empty(20, 30), 10)
    assert (len(small), small.height, small.width) == (0, 10, 10)


def test_a_size_without_pixels_is_an_error(make_events):
    with pytest.raises(ConfigError, match="size=0"):
        centre_square(make_events(), 0)
