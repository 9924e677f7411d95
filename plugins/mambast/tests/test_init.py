from __future__ import annotations

import subprocess
import sys

import pytest

import lightning_face_mambast


@pytest.mark.parametrize("name", lightning_face_mambast.__all__)
def test_public_names_lead_to_their_objects(name):
    assert getattr(lightning_face_mambast, name).__name__ == name


def test_unknown_names_are_errors():
    with pytest.raises(AttributeError, match="MambaTS"):
        lightning_face_mambast.MambaTS  # noqa: B018


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, lightning_face_mambast; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
