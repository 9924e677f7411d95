from __future__ import annotations

import pytest

from lightning_face.cli.describe import describe
from lightning_face.registry import Plugin

FILES = {
    "__init__.py": "from .parts.model import Model as Renamed\nfrom desctest.plain import run\n",
    "plain.py": 'raise RuntimeError\n\n\ndef run(argv):\n    """Run it.\n\n    Twice."""\n',
    "parts/__init__.py": "",
    "parts/model.py": 'class Model:\n    """A model."""\n',
    "bare.py": "class Bare: pass\n",
    "wrong.py": "class (\n",
    "loop.py": "from desctest.loop import Loop\n",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    for name, text in FILES.items():
        path = tmp_path / "desctest" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path / "desctest"


@pytest.mark.parametrize(
    ("target", "file", "line", "summary"),
    [
        ("desctest.plain:run", "plain.py", 4, "Run it."),
        ("desctest:run", "plain.py", 4, "Run it."),
        ("desctest:Renamed", "parts/model.py", 1, "A model."),
        ("desctest.bare:Bare", "bare.py", 1, ""),
        ("desctest.wrong:Any", "wrong.py", 0, ""),
        ("desctest.bare:Absent", "bare.py", 0, ""),
    ],
)
def test_the_definition_is_found_without_import(package, target, file, line, summary):
    found = describe(Plugin("models", "any", target, "dist", "1"))
    assert (found.source, found.line, found.summary) == (package / file, line, summary)


@pytest.mark.parametrize("target", ["desctest.absent:X", "absent:X", "desctest.loop:Loop"])
def test_what_cannot_be_found_has_no_source(package, target):
    assert describe(Plugin("models", "any", target, "dist", "1")).source is None
