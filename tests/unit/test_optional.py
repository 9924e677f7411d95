"""Imports of modules that only some installations have."""

from __future__ import annotations

import json
import sys

import pytest

from lightning_face.errors import ConfigError
from lightning_face.optional import optional_import


def test_returns_the_module():
    assert optional_import("json", extra="events") is json


@pytest.mark.parametrize("name", ["no_such_module", "no_such_module.part"])
def test_says_what_to_install(name):
    message = r"needs no_such_module, .*pip install 'a-plugin\[onnx\]'"
    with pytest.raises(ConfigError, match=message):
        optional_import(name, extra="onnx", distribution="a-plugin")


def test_a_module_that_is_there_and_misses_another_keeps_its_error(tmp_path, monkeypatch):
    (tmp_path / "half_installed.py").write_text("import no_such_module\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        optional_import("half_installed", extra="events")
    sys.modules.pop("half_installed", None)
