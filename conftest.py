"""What all tests of the project share."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

KEPT_MIB = 1200
"""Resident memory of a test process from which on what a test has left is given back."""


def resident_mib() -> float:
    """Return the resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 2**20


@pytest.fixture(autouse=True)
def give_memory_back() -> Iterator[None]:
    """Keep a process that has built large networks from holding their memory to its end."""
    yield
    if sys.platform == "linux" and resident_mib() > KEPT_MIB:
        gc.collect()
        ctypes.CDLL("libc.so.6").malloc_trim(0)
