"""Public names of the plugin."""

from __future__ import annotations

import subprocess
import sys

import lightning_face_emovoca


def test_every_public_name_is_there():
    for name in lightning_face_emovoca.__all__:
        assert getattr(lightning_face_emovoca, name).__name__ == name


def test_importing_the_plugin_does_not_import_torch():
    code = "import sys, lightning_face_emovoca; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
