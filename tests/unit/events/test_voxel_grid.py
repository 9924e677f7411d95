from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import ConfigError
from lightning_face.events.event_array import EventArray
from lightning_face.events.voxel_grid import voxel_grid


def one_by_one(events, num_bins, start, end):
    grid = np.zeros((num_bins + 1, events.height, events.width))
    for t, x, y, p in zip(events.t, events.x, events.y, events.p, strict=True):
        position = (num_bins - 1) * (int(t) - start) / max(end - start, 1)
        lower = int(np.floor(position))
        grid[lower, y, x] += (2 * int(p) - 1) * (lower + 1 - position)
        grid[lower + 1, y, x] += (2 * int(p) - 1) * (position - lower)
    return grid[:-1]


@pytest.mark.parametrize("num_bins", [1, 2, 5])
def test_polarities_are_shared_between_two_planes(make_events, backend, num_bins):
    events = make_events()
    grid = voxel_grid(events, num_bins)
    assert grid.dtype == np.float32
    expected = one_by_one(events, num_bins, int(events.t[0]), int(events.t[-1]))
    np.testing.assert_allclose(grid, expected, atol=2e-6)


def test_a_window_takes_the_events_from_its_start_to_its_end(make_events, backend):
    events = make_events()
    start, end = int(events.t[100]), int(events.t[2000])
    grid = voxel_grid(events, 4, start, end)
    inside = events.between(start, end + 1)
    np.testing.assert_allclose(grid, one_by_one(inside, 4, start, end), atol=2e-6)


def test_each_event_adds_its_polarity_once(make_events, backend):
    events = make_events()
    balance = 2 * int(events.p.sum()) - len(events)
    assert voxel_grid(events, 5).sum() == pytest.approx(balance, abs=1e-3)


def test_events_of_one_moment_fill_the_first_plane(backend):
    events = EventArray.from_arrays([7, 7], [0, 1], [0, 0], [1, 0], 1, 2)
    assert voxel_grid(events, 3).tolist() == [[[1, -1]], [[0, 0]], [[0, 0]]]


def test_normalising_leaves_empty_cells_alone(make_events):
    events = make_events(200)
    plain, scaled = voxel_grid(events, 5), voxel_grid(events, 5, normalize=True)
    occupied = plain != 0
    assert not scaled[~occupied].any()
    assert scaled[occupied].mean() == pytest.approx(0, abs=1e-6)
    assert scaled[occupied].std() == pytest.approx(1, abs=1e-5)


def test_normalising_a_grid_without_deviation_gives_zeros():
    events = EventArray.from_arrays([7], [0], [0], [1], 1, 2)
    assert not voxel_grid(events, 1, normalize=True).any()


def test_without_events_the_grid_is_zero():
    assert voxel_grid(EventArray.empty(2, 3), 5, normalize=True).shape == (5, 2, 3)


def test_impossible_windows_are_errors(make_events):
    with pytest.raises(ConfigError, match="num_bins=0"):
        voxel_grid(make_events(), 0)
    with pytest.raises(ConfigError, match="ends at 5 us, before it starts at 9 us"):
        voxel_grid(make_events(), 5, 9, 5)
