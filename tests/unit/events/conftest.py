from __future__ import annotations

import sys

import numpy as np
import pytest

from lightning_face.events.accumulation import loops
from lightning_face.events.event_array import EventArray


@pytest.fixture
def make_events():
    def make(count=3000, height=20, width=28, duration_us=200_000, start_us=4200, seed=0):
        draw = np.random.default_rng(seed)
        return EventArray.from_arrays(
            np.sort(draw.integers(start_us, start_us + duration_us, count)),
            draw.integers(0, width, count),
            draw.integers(0, height, count),
            draw.integers(0, 2, count),
            height,
            width,
        )

    return make


@pytest.fixture(params=["numba", "numpy"])
def backend(request, monkeypatch):
    """Runs a test with the compiled loops and without numba."""
    if request.param == "numba":
        pytest.importorskip("numba")
    else:
        monkeypatch.setitem(sys.modules, "numba", None)
    loops.cache_clear()
    yield request.param
    loops.cache_clear()
