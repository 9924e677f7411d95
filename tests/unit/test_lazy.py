"""Packages whose public names are imported when they are first asked for."""

from __future__ import annotations

import importlib
import sys

import pytest


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "lazy_thing"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from lightning_face.lazy import lazy_package\n"
        'lazy_package(__name__, {"blur": ["blur", "RADIUS"], "broken": ["never"]})\n'
    )
    (folder / "blur.py").write_text("RADIUS = 3\ndef blur():\n    return 'blurred'\n")
    (folder / "broken.py").write_text("import no_such_module\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("lazy_thing")
    for name in [name for name in sys.modules if name.startswith("lazy_thing")]:
        del sys.modules[name]


def test_imports_a_module_with_the_first_of_its_names(package):
    assert "lazy_thing.blur" not in sys.modules
    assert package.RADIUS == 3
    assert "lazy_thing.blur" in sys.modules


def test_a_name_shared_with_its_module_stands_for_what_is_in_it(package):
    from lazy_thing import blur

    assert blur() == "blurred"
    importlib.import_module("lazy_thing.blur")
    assert package.blur() == "blurred"


def test_other_names_are_no_attributes(package):
    with pytest.raises(AttributeError, match="module 'lazy_thing' has no attribute 'sharpen'"):
        _ = package.sharpen


def test_a_module_that_fails_to_import_says_why(package):
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        _ = package.never
