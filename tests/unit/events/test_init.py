from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from lightning_face import events


@pytest.mark.parametrize("name", events.__all__)
def test_every_name_is_there(name):
    assert callable(getattr(events, name))


@pytest.mark.parametrize("name", ["tbr", "dark_frame", "event_count", "voxel_grid", "time_surface"])
def test_functions_are_not_hidden_by_modules_of_their_name(name):
    module = importlib.import_module(f"lightning_face.events.{name}")
    assert getattr(events, name) is getattr(module, name)


def test_modules_can_be_imported_before_functions():
    code = (
        "import lightning_face.events.tbr; from lightning_face.events.tbr import encode_tbr; "
        "from lightning_face.events import tbr; assert callable(tbr); "
        "from lightning_face.events import reader; assert reader.EventReader"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, lightning_face.events; "
        "sys.exit(bool({'torch', 'numba', 'numpy', 'h5py'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = events.nothing
