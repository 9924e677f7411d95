"""Public names of the plugin."""

from __future__ import annotations

import subprocess
import sys

import pytest

import lightning_face_mars


@pytest.mark.parametrize("name", lightning_face_mars.__all__)
def test_public_names_lead_to_their_objects(name):
    assert getattr(lightning_face_mars, name).__name__ == name


def test_importing_the_plugin_does_not_import_torch():
    code = "import sys, lightning_face_mars; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
