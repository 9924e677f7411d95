"""The numba backend where numba is missing; its numbers are tested with the other backends'."""

import sys

import pytest

from lightning_face.ops.selective_scan import numba as backend


@pytest.fixture
def unasked():
    """A process that has not looked for numba yet."""
    backend.unavailable.cache_clear()
    yield
    backend.unavailable.cache_clear()


def test_a_missing_numba_is_a_reason_with_what_to_install(unasked, monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    reason = backend.unavailable()
    assert reason.startswith("numba cannot be imported")
    assert 'pip install "lightning-face[cpu]"' in reason
