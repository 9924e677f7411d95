"""The front end answers without torch; these are the few tests that start real processes."""

from __future__ import annotations

import subprocess
import sys

import pytest

import lightning_face
from lightning_face.cli import front

WATCHED = ("torch", "lightning", "numpy", "jsonargparse", "yaml", "rich")

SCRIPT = f"""
import sys
from lightning_face.cli.front import main
status = 0
for words in (["--help"], ["--version"], ["list"], ["list", "models"], ["info", "ema"],
              ["experiments"], ["completion", "bash"], ["list", "--help"]):
    try:
        status |= main(words)
    except SystemExit as error:
        status |= error.code
loaded = [name for name in {WATCHED!r} if name in sys.modules]
sys.exit(f"status {{status}}, loaded {{loaded}}" if status or loaded else 0)
"""


def test_help_and_listings_import_nothing_heavy():
    result = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_the_module_can_be_run():
    words = [sys.executable, "-m", "lightning_face", "--version"]
    result = subprocess.run(words, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"lightning-face {lightning_face.__version__}\n"


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_verb(words, capsys):
    assert front.main(words) == 0
    text = capsys.readouterr().out
    for verb in (*front.RUN_VERBS, *front.VERBS):
        assert f"\n  {verb} " in text


def test_an_unexpected_error_is_one_line(monkeypatch, capsys):
    def broken(words):
        raise OSError("disk\nfull")

    monkeypatch.setitem(front._HERE, "list", broken)
    assert front.main(["list"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert front.main(["list", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_is_130(monkeypatch, capsys):
    def interrupted(words):
        raise KeyboardInterrupt

    monkeypatch.setitem(front._HERE, "list", interrupted)
    assert front.main(["list"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_a_reader_that_has_gone_is_no_error():
    command = f"{sys.executable} -m lightning_face list | true; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert result.returncode == 0
    assert result.stderr == ""
