"""The loops over events behind every representation: by numba, or by numpy where it is absent.

Both modules offer the same functions with the same results. Arrays that are filled are passed in,
so that a recording can be drawn block by block.
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

import numpy as np

from lightning_face.errors import DataError
from lightning_face.events.event_array import EventArray

__all__ = ["check_events", "loops"]


@functools.cache
def loops() -> Any:  # noqa: ANN401
    """Import the compiled loops, or those of numpy where numba is not installed."""
    try:
        importlib.import_module("numba")
    except ImportError:
        return importlib.import_module("lightning_face.events.accumulation_numpy")
    return importlib.import_module("lightning_face.events.accumulation_numba")


def check_events(events: EventArray) -> None:
    """Check that events lie on the sensor and that their times do not run back.

    The loops write to the pixel that an event names, so that nothing may be drawn before this.

    Args:
        events: Events of one recording or of a part of it.

    Raises:
        DataError: An event lies outside the sensor, or is older than the one before it.
    """
    if not len(events):
        return
    if events.x.max() >= events.width or events.y.max() >= events.height:
        bad = int(np.argmax((events.x >= events.width) | (events.y >= events.height)))
        raise DataError(
            f"event {bad} lies at column {events.x[bad]}, row {events.y[bad]}, outside the sensor "
            f"of {events.width}x{events.height} pixels; decode the recording again, or give the "
            "size of the sensor that made it"
        )
    backwards = loops().first_backwards(events.t)
    if backwards:
        raise DataError(
            f"times run back at event {backwards}: {events.t[backwards]} us after "
            f"{events.t[backwards - 1]} us; sort the events by time first"
        )
