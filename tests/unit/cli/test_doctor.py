"""The doctor: one broken part never hides another, and each has its sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from lightning_face.cli import doctor
from lightning_face.errors import UnknownPlugin
from lightning_face.testing import write_distribution

GOOD = '''
"""A plugin."""
from lightning.pytorch import Callback

class Good(Callback):
    """Does nothing."""
'''


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the two slow imports that tell whether torchvision and lightning work."""
    monkeypatch.setattr(doctor, "_import_failure", lambda module: None)


def lines_about(text: str, name: str) -> list[str]:
    """The table's line of a plugin and the indented sentences below it."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if f" {name} " in line)
    end = start + 1
    while end < len(lines) and lines[end].startswith(" " * 8):
        end += 1
    return [line.strip() for line in lines[start:end]]


@pytest.mark.usefixtures("importable")
def test_each_broken_plugin_is_named_and_the_good_one_is_fine(
    site: Path, capsys: pytest.CaptureFixture[str]
):
    targets = {
        "d-good": "d_good:Good",
        "d-missing": "d_good:Missing",
        "d-import": "d_import:Thing",
        "d-dies": "d_dies:Thing",
        "d-exits": "d_exits:Thing",
        "d-noisy": "d_noisy:Good",
        "d-kind": "d_good:Callback.__init__",
        "D_Name": "d_good:Good",
    }
    modules = {
        "d_good": GOOD,
        "d_import": "import a_package_that_is_not_there",
        "d_dies": "import os; os._exit(41)",
        "d_exits": "raise SystemExit(3)",
        "d_noisy": GOOD + "open('left-behind.txt', 'w').close(); print('hello')\n",
    }
    write_distribution(site, "d-dist", {"callbacks": targets}, modules)
    assert doctor.main(["d-dist"]) == 1
    text = capsys.readouterr().out
    assert lines_about(text, "d-good") == ["ok    callbacks d-good     d-dist 0.1"]
    for name, said in {
        "d-missing": "no attribute 'Missing'",
        "d-import": "No module named 'a_package_that_is_not_there'",
        "d-dies": "exit code 41",
        "d-exits": "SystemExit",
        "d-noisy": "left-behind.txt",
        "d-kind": "no subclass of lightning.pytorch.Callback",
        "D_Name": "rename the entry point",
    }.items():
        row, *problems = lines_about(text, name)
        assert row.startswith("FAIL")
        assert said in " ".join(problems), name
    assert "prints 'hello'" in text
    assert "7 problems found" in text


@pytest.mark.usefixtures("importable")
def test_rivals_for_a_name_are_both_named(site: Path, capsys: pytest.CaptureFixture[str]):
    write_distribution(site, "d-one", {"callbacks": {"same": "d_one:Good"}}, {"d_one": GOOD})
    write_distribution(site, "d-two", {"callbacks": {"same": "d_two:Good"}}, {"d_two": GOOD})
    assert doctor.main(["same"]) == 1
    text = capsys.readouterr().out
    assert text.count("FAIL") == 2
    assert "d-two 0.1 has the same name" in text
    assert "d-one 0.1 has the same name" in text


@pytest.mark.usefixtures("importable")
def test_sound_plugin_gives_status_zero_and_lists_backends(
    site: Path, capsys: pytest.CaptureFixture[str]
):
    write_distribution(site, "d-fine", {"callbacks": {"d-good": "d_fine:Good"}}, {"d_fine": GOOD})
    assert doctor.main(["d-good"]) == 0
    text = capsys.readouterr().out
    for word in ("python", "torch", "lightning", "reference", "chunked", "used on cpu"):
        assert word in text
    assert "no problems found" in text


def test_unknown_name_suggests_a_near_one(site: Path):
    write_distribution(site, "d-near", {"callbacks": {"d-close": "d:Good"}}, {})
    with pytest.raises(UnknownPlugin, match="did you mean 'd-close'"):
        doctor.main(["d-clos"])


def test_torch_fidelity_without_torchvision_is_found_first(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (site / "torch_fidelity.py").write_text("import torchvision\n")
    (site / "torchvision.py").write_text("raise RuntimeError('torchvision::nms does not exist')\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    assert doctor.main([]) == 1
    text = capsys.readouterr().out
    assert "FAIL  torchvision" in text
    assert "torchvision::nms does not exist" in text
    assert "uninstall torch-fidelity" in text
    assert "mend the environment first" in text


def test_the_doctor_itself_imports_no_torch():
    assert doctor._import_failure("lightning_face.cli.doctor") is None
    code = "lightning_face.cli.doctor, sys; assert 'torch' not in sys.modules"
    assert doctor._import_failure(code) is None


def test_a_failing_import_is_one_line(site: Path, monkeypatch: pytest.MonkeyPatch):
    (site / "d_fails.py").write_text("1 / 0\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    assert doctor._import_failure("d_fails") == "ZeroDivisionError: division by zero"
