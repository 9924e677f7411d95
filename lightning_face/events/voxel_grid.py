"""Voxel grids: polarities shared linearly between planes of time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import ConfigError
from lightning_face.events.accumulation import check_events, loops
from lightning_face.events.event_array import EventArray

__all__ = ["voxel_grid"]


def voxel_grid(
    events: EventArray,
    num_bins: int,
    t_start: int | None = None,
    t_end: int | None = None,
    normalize: bool = False,
) -> NDArray[np.float32]:
    """Share the polarity of every event, 1 or -1, between the two planes nearest to its time.

    The first plane lies at the start of the window and the last one at its end.

    Args:
        events: Events of one frame.
        num_bins: Number of planes.
        t_start: Start of the window in microseconds, by default the first event.
        t_end: End of the window in microseconds, its last moment included; by default the last
            event.
        normalize: Shift and scale the cells that are not zero to mean 0 and deviation 1.

    Returns:
        Sums of shared polarities (bins, height, width), float32.

    Raises:
        ConfigError: There is no plane, or the window ends before it starts.
        DataError: An event lies outside the sensor or is older than the one before it.

    Source:
        Zhu et al. 2019, "Unsupervised Event-based Learning of Optical Flow, Depth, and Egomotion",
        section 3.1.
    """
    if num_bins < 1:
        raise ConfigError(f"num_bins={num_bins}: a grid has at least 1 plane")
    check_events(events)
    grid = np.zeros((num_bins, events.height, events.width), np.float32)
    if not len(events):
        return grid
    start = int(events.t[0]) if t_start is None else t_start
    end = int(events.t[-1]) if t_end is None else t_end
    if end < start:
        raise ConfigError(f"the window ends at {end} us, before it starts at {start} us")
    first, last = np.searchsorted(events.t, (start, end + 1))
    window = events[int(first) : int(last)]
    bins_per_us = (num_bins - 1) / max(end - start, 1)
    loops().add_voxels(grid, window.t, window.x, window.y, window.p, start, bins_per_us)
    return _normalized(grid) if normalize else grid


def _normalized(grid: NDArray[np.float32]) -> NDArray[np.float32]:
    occupied = grid != 0
    values = grid[occupied]
    if not len(values):
        return grid
    deviation = values.std()
    # equal values have no deviation to scale by
    grid[occupied] = (values - values.mean()) / (deviation if deviation > 0 else 1)
    return grid
