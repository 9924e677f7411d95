"""Completion: what is offered after which words, and the script that asks."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lightning_face.cli import completion
from lightning_face.cli.completion import FILES, candidates
from lightning_face.testing import write_distribution


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_distribution(
        tmp_path / "site",
        "lightning-face-owl",
        {
            "models": {"owl-net": "owl:OwlNet"},
            "data": {"owl-faces": "owl:OwlFaces"},
            "callbacks": {"owl-video": "owl:OwlVideo"},
            "importers": {"owl-net": "owl:read"},
            "commands": {"hoot": "owl:hoot"},
            "demos": {"owl-page": "owl:launch"},
        },
        {},
    )
    monkeypatch.syspath_prepend(tmp_path / "site")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["li"], ["list"]),
        (["ho"], ["hoot"]),
        (["list", "mo"], ["models"]),
        (["info", "owl"], ["owl-faces", "owl-net", "owl-page", "owl-video"]),
        (["doctor", "owl-n"], ["owl-net"]),
        (["import", "owl"], ["owl-net"]),
        (["import", "owl-net", ""], [FILES]),
        (["demo", "owl"], ["owl-page"]),
        (["demo", "owl-page", "--checkpoint", ""], [FILES]),
        (["fit", "--mod"], ["--model"]),
        (["fit", "--model", "owl"], ["owl-net"]),
        (["fit", "--model=owl"], ["--model=owl-net"]),
        (["fit", "--model", "=", "owl"], ["owl-net"]),
        (["fit", "--data", "owl"], ["owl-faces"]),
        (["test", "--model.help", "owl"], ["owl-net"]),
        (["fit", "--trainer.callbacks+", "owl"], ["owl-video"]),
        (["fit", "--config", "exp"], [FILES]),
        (["fit", "--config=exp"], [FILES]),
        (["predict", "--model", "owl-net", "--data", "owl"], ["owl-faces"]),
        (["export", ""], [FILES]),
        (["completion", "b"], ["bash"]),
        (["new", ""], []),
        (["fit", "--model", "zzz"], []),
    ],
)
def test_what_can_follow(words: list[str], offered: list[str]):
    assert candidates(words) == offered


@pytest.mark.parametrize("words", [[], [""]])
def test_an_empty_line_offers_all_verbs(words: list[str]):
    assert {"fit", "list", "completion", "hoot", "--help"} <= set(candidates(words))


def test_no_torch_is_imported_for_it():
    code = (
        "import sys; from lightning_face.cli.completion import candidates;"
        "candidates(['fit', '--model', '']); print('torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == "False\n"


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (["lightning-face", "fit", "--model", "owl"], "owl-net"),
        (["lightning-face", "li"], "list"),
        (["lightning-face", "fit", "--config", "exp"], "exp one.yaml"),
        (["lightning-face", "fit", "--config", "=", "exp"], "exp one.yaml"),
    ],
)
def test_bash_completes(tmp_path: Path, line: list[str], reply: str):
    (tmp_path / "exp one.yaml").touch()
    command = tmp_path / "lightning-face"
    command.write_text(
        f'#!/bin/sh\nPYTHONPATH={tmp_path}/site exec {sys.executable} -m lightning_face "$@"\n'
    )
    command.chmod(0o755)
    words = " ".join(f"'{word}'" for word in line)
    script = (
        f'PATH={tmp_path}:$PATH; eval "$(lightning-face completion bash)"\n'
        f"COMP_WORDS=({words}); COMP_CWORD={len(line) - 1}; _lightning_face\n"
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    result = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert result.stdout.splitlines() == [reply], result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_script_is_valid(shell: str, capsys: pytest.CaptureFixture[str]):
    assert completion.main([shell]) == 0
    script = capsys.readouterr().out
    assert "completion --words" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)
