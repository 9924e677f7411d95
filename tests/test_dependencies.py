"""What the project may depend on: never torchvision, and no plugin from the core."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLUGINS = sorted(file.parent for file in (ROOT / "plugins").glob("*/lightning_face_*/__init__.py"))

IMPORT_EVERYTHING = """
import importlib, pkgutil, sys

package = importlib.import_module(sys.argv[1])
backends = ("numba", "triton", "mamba_ssm", "__main__")  # optional dependencies, checked elsewhere
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not module.name.endswith(backends) and ".templates" not in module.name:
        importlib.import_module(module.name)
assert "torchvision" not in sys.modules
"""


@pytest.mark.parametrize("package", ["lightning_face", *(plugin.name for plugin in PLUGINS)])
def test_importing_every_module_never_imports_torchvision(package):
    command = [sys.executable, "-c", IMPORT_EVERYTHING, package]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize(
    "distribution",
    ["lightning-face", *(f"lightning-face-{plugin.parent.name}" for plugin in PLUGINS)],
)
def test_no_distribution_requires_torchvision(distribution):
    requirements = importlib.metadata.requires(distribution) or []
    assert not [line for line in requirements if re.match(r"torchvision\b", line)]


def imported_packages(file: Path) -> set[str]:
    """Top-level names of every import statement of a file."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def test_core_imports_no_plugin():
    for file in (ROOT / "lightning_face").rglob("*.py"):
        plugins = [name for name in imported_packages(file) if name.startswith("lightning_face_")]
        assert not plugins, file


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.parent.name)
def test_plugins_import_no_other_plugin(plugin):
    for file in plugin.rglob("*.py"):
        names = {name for name in imported_packages(file) if name.startswith("lightning_face_")}
        assert names <= {plugin.name}, file
