"""The verb ``demo``: finds a registered demo and gives it its words."""

from __future__ import annotations

from pathlib import Path

import pytest

from lightning_face.cli import demo, front
from lightning_face.errors import BrokenPlugin, ConfigError, UnknownPlugin
from lightning_face.testing import write_distribution

MODULE = '''
"""Demos."""

def launch(argv):
    """Show what it was called with."""
    print("called with", argv)
    return len(argv)

page = "not a function"
'''


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    targets = {"d-page": "d_module:launch", "d-text": "d_module:page", "d-torn": "d_module:absent"}
    write_distribution(tmp_path, "d-dist", {"demos": targets}, {"d_module": MODULE})
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize("words", [[], ["--port", "7"], ["--help"], ["--checkpoint", "x", "-h"]])
def test_the_words_after_the_name_are_the_demo_s_own(words: list[str], capsys):
    assert demo.main(["d-page", *words]) == len(words)
    assert capsys.readouterr().out == f"called with {words}\n"


def test_its_status_is_that_of_the_command(capsys):
    assert front.main(["demo", "d-page", "a", "b", "c"]) == 3


def test_help_names_what_is_installed(capsys):
    with pytest.raises(SystemExit) as ended:
        demo.main(["--help"])
    assert ended.value.code == 0
    assert "d-page, d-text, d-torn" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        ([], ConfigError, "required: NAME; see lightning-face demo --help"),
        (["--port"], ConfigError, "see lightning-face demo --help"),
        (["d-pag"], UnknownPlugin, "did you mean 'd-page'"),
        (["d-text"], BrokenPlugin, "it cannot be called"),
        (["d-torn"], BrokenPlugin, "absent"),
    ],
)
def test_what_cannot_be_started_is_one_sentence(words: list[str], error: type, said: str):
    with pytest.raises(error, match=said):
        demo.main(words)


def test_demos_are_listed_and_described(capsys):
    assert front.main(["list", "demos"]) == 0
    assert "d-page" in capsys.readouterr().out
    assert front.main(["info", "d-page"]) == 0
    assert "says          Show what it was called with." in capsys.readouterr().out
