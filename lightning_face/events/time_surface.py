"""Time surfaces: how recently every pixel saw an event, fading exponentially."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import ConfigError
from lightning_face.events.accumulation import check_events, loops
from lightning_face.events.event_array import EventArray

__all__ = ["LatestTimes", "time_surface"]

_NEVER = np.iinfo(np.int64).min


class LatestTimes:
    """Time of the last event of every pixel and polarity, for surfaces at successive times."""

    def __init__(self, height: int, width: int) -> None:
        """Begin without events; sides in pixels."""
        self._latest = np.full((2, height, width), _NEVER, np.int64)

    def add(self, events: EventArray) -> None:
        """Take in events that are not older than those before.

        Raises:
            DataError: An event lies outside the sensor or is older than the one before it.
        """
        check_events(events)
        loops().keep_times(self._latest, events.t, events.x, events.y, events.p)

    def surface(self, t_ref: int, tau: float) -> NDArray[np.float32]:
        """Compute the surface at a time.

        Args:
            t_ref: Time in microseconds.
            tau: Time in microseconds in which a value falls to 1/e.

        Returns:
            Values (2, height, width): plane 0 darker, plane 1 brighter; 0 where no event fell, 1
            for an event at ``t_ref``, above 1 after it.

        Raises:
            ConfigError: The fading takes no time.
        """
        if not tau > 0:
            raise ConfigError(f"tau={tau}: fading takes a positive number of microseconds")
        surface = np.zeros(self._latest.shape, np.float32)
        seen = self._latest != _NEVER
        surface[seen] = np.exp((self._latest[seen] - t_ref) / tau)
        return surface


def time_surface(events: EventArray, t_ref: int, tau: float) -> NDArray[np.float32]:
    """Compute the time surface of events.

    Args:
        events: Events up to the time of the surface, see `EventArray.between`; later ones would
            hide earlier ones and count for more than 1.
        t_ref: Time of the surface in microseconds.
        tau: Time in microseconds in which a value falls to 1/e.

    Returns:
        Values (2, height, width): plane 0 darker, plane 1 brighter; 0 where no event fell, 1 for
        an event at ``t_ref``.

    Raises:
        ConfigError: The fading takes no time.
        DataError: An event lies outside the sensor or is older than the one before it.

    Source:
        Lagorce et al. 2017, "HOTS: A Hierarchy of Event-Based Time-Surfaces for Pattern
        Recognition", section 3.
    """
    latest = LatestTimes(events.height, events.width)
    latest.add(events)
    return latest.surface(t_ref, tau)
