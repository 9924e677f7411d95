"""The place of files that the project may not ship."""

from __future__ import annotations

from lightning_face.testing.research_data import RESEARCH_DATA, research_file


def test_finds_a_file_below_the_named_folder(tmp_path, monkeypatch):
    (tmp_path / "faces").mkdir()
    file = tmp_path / "faces" / "mean.ply"
    file.touch()
    monkeypatch.setenv(RESEARCH_DATA, str(tmp_path))
    assert research_file("faces/mean.ply") == file
    assert research_file("faces/other.ply") is None


def test_looks_beside_the_checkout(tmp_path, monkeypatch):
    (tmp_path / "shared" / "data").mkdir(parents=True)
    (tmp_path / "checkout").mkdir()
    file = tmp_path / "shared" / "data" / "mean.ply"
    file.touch()
    monkeypatch.delenv(RESEARCH_DATA, raising=False)
    monkeypatch.chdir(tmp_path / "checkout")
    assert research_file("mean.ply") == file


def test_the_named_folder_alone_counts(tmp_path, monkeypatch):
    (tmp_path / "shared" / "data").mkdir(parents=True)
    (tmp_path / "checkout").mkdir()
    (tmp_path / "shared" / "data" / "mean.ply").touch()
    monkeypatch.setenv(RESEARCH_DATA, str(tmp_path / "elsewhere"))
    monkeypatch.chdir(tmp_path / "checkout")
    assert research_file("mean.ply") is None
