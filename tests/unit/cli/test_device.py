"""The option ``--device``."""

from __future__ import annotations

import pytest
import torch

from lightning_face.cli.device import choose_device
from lightning_face.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "there", "expected"),
    [
        ("auto", True, "cuda"),
        ("auto", False, "cpu"),
        ("cpu", True, "cpu"),
        ("cuda:1", True, "cuda:1"),
    ],
)
def test_a_device_that_is_there(name, there, expected, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert choose_device(name) == torch.device(expected)


@pytest.mark.parametrize(
    ("name", "message"), [("abacus", "abacus is not a device"), ("cuda", "no CUDA device")]
)
def test_others_are_named(name, message, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=message):
        choose_device(name)
