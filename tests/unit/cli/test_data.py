"""The verb ``data check`` for modules with and without a check."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lightning_face.cli import data
from lightning_face.errors import ConfigError, DataError, UnknownPlugin
from lightning_face.testing import write_distribution

MODULE = '''
"""Data modules."""
from lightning.pytorch import LightningDataModule

from lightning_face.data.check import DataReport

class Checked(LightningDataModule):
    """Counts files."""

    @classmethod
    def check(cls, root, full=False):
        report = DataReport({"files": len(list(root.iterdir()))}, {"full": full})
        for path in root.glob("*.broken"):
            report.add(path, "is broken", "error")
        return report

class Plain(LightningDataModule):
    """Has no check."""
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of a dataset with one file; two data modules are registered."""
    targets = {"c-checked": "c_data:Checked", "c-plain": "c_data:Plain"}
    site = tmp_path / "site"
    site.mkdir()
    write_distribution(site, "c-dist", {"data": targets}, {"c_data": MODULE})
    monkeypatch.syspath_prepend(site)
    root = tmp_path / "root"
    root.mkdir()
    (root / "one").touch()
    return root


def test_report_is_printed_and_fine_is_zero(folder, capsys):
    assert data.main(["check", "c-checked", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["files  1", "full   False", "no problems found"]


def test_errors_are_status_one(folder, capsys):
    (folder / "two.broken").touch()
    assert data.main(["check", "c-checked", str(folder), "--full"]) == 1
    assert "error: is broken" in capsys.readouterr().out


def test_json_is_the_whole_report(folder, capsys):
    (folder / "two.broken").touch()
    assert data.main(["check", "c-checked", str(folder), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    path = str(folder / "two.broken")
    assert report["problems"] == [{"path": path, "what": "is broken", "severity": "error"}]


def test_class_name_may_stand_for_the_module(folder, capsys):
    assert data.main(["check", "Checked", str(folder)]) == 0


def test_a_module_without_a_check_says_so(folder):
    with pytest.raises(ConfigError, match="'c-plain' has no check of its files"):
        data.main(["check", "c-plain", str(folder)])


def test_an_unknown_module_is_named(folder):
    with pytest.raises(UnknownPlugin, match=r"c-chekced.*did you mean 'c-checked'"):
        data.main(["check", "c-chekced", str(folder)])


def test_a_missing_folder_is_named(folder):
    with pytest.raises(DataError, match="nowhere is not a folder"):
        data.main(["check", "c-checked", str(folder / "nowhere")])


def test_wrong_usage_is_one_line(folder):
    with pytest.raises(ConfigError, match="see lightning-face data --help"):
        data.main(["look", "c-checked", str(folder)])
