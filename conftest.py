"""What all tests of the project share."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

LEFT_MIB = 800
"""Growth of the resident memory that is given back."""


def resident_mib() -> float:
    """Return the resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 2**20


@pytest.fixture(scope="session")
def kept_mib() -> list[float]:
    """Resident memory after it was last given back, which no one could give back."""
    return [0.0]


@pytest.fixture(autouse=True)
def give_memory_back(kept_mib: list[float]) -> Iterator[None]:
    """Keep a process that has built large networks from holding their memory to its end."""
    yield
    if sys.platform == "linux" and resident_mib() > kept_mib[0] + LEFT_MIB:
        gc.collect()
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        kept_mib[0] = resident_mib()
