"""The plugin skeleton: which names it takes, and that what it writes is clean."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lightning_face.cli import scaffold
from lightning_face.errors import ConfigError
from lightning_face.testing import write_distribution

NAMES = ["my-paper", "x", "a-rather-long-name-of-paper2"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("My-Paper", "lower-case"),
        ("my_paper", "lower-case"),
        ("my--paper", "lower-case"),
        ("-paper", "lower-case"),
        ("my paper", "lower-case"),
        ("../evil", "lower-case"),
        ("", "lower-case"),
        ("3d-faces", "starts with a digit"),
        ("class", "word of the Python language"),
        ("a-name-of-twenty-nine-letters", "longer than 28"),
        ("none", "word of the Python language"),
    ],
)
def test_refuses_names(tmp_path: Path, name: str, reason: str):
    with pytest.raises(ConfigError, match=reason):
        scaffold.write_plugin(name, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_refuses_a_registered_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_distribution(tmp_path, "owl", {"models": {"owl-net": "owl:OwlNet"}}, {})
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match="already registered by owl"):
        scaffold.write_plugin("owl-net", tmp_path / "new")


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_never_writes_over_anything(tmp_path: Path, kind: str):
    target = tmp_path / "taken"
    if kind == "folder":
        target.mkdir()
        (target / "precious.txt").write_text("mine")
    else:
        target.write_text("mine")
    with pytest.raises(ConfigError, match="not an empty folder"):
        scaffold.write_plugin("my-paper", target)
    kept = target / "precious.txt" if kind == "folder" else target
    assert kept.read_text() == "mine"


def test_default_folder_is_the_distribution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    assert scaffold.main(["my-paper"]) == 0
    assert (tmp_path / "lightning-face-my-paper" / "pyproject.toml").is_file()
    assert "pip install -e lightning-face-my-paper" in capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_files_are_complete_and_filled_in(tmp_path: Path, name: str):
    scaffold.write_plugin(name, tmp_path)
    package = tmp_path / f"lightning_face_{name.replace('-', '_')}"
    for file in ("torch_model.py", "module.py", "datamodule.py", "sample.py", "py.typed"):
        assert (package / file).is_file()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            text = path.read_text()
            assert path.suffix != ".txt"
            assert "${" not in text, path
            assert text.endswith("\n") or not text, path
        if path.suffix == ".py":
            ast.parse(path.read_text())
    experiment = yaml.safe_load((package / "experiments" / f"{name}.yaml").read_text())
    assert experiment["model"]["class_path"] == name


@pytest.mark.parametrize("name", NAMES)
def test_ruff_has_nothing_to_say(tmp_path: Path, name: str):
    pytest.importorskip("ruff", reason="ruff is not installed")
    scaffold.write_plugin(name, tmp_path)
    for words in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        result = subprocess.run(
            [sys.executable, "-m", "ruff", *words, str(tmp_path)], capture_output=True, text=True
        )
        assert result.returncode == 0, result.stdout + result.stderr


def test_mypy_has_nothing_to_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("mypy", reason="mypy is not installed")
    import lightning_face

    scaffold.write_plugin("my-paper", tmp_path)
    # mypy does not follow an editable install of the core
    monkeypatch.setenv("MYPYPATH", str(Path(lightning_face.__file__).parents[1]))
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent"],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
