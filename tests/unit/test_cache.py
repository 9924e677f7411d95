"""Where samples and kernels are kept."""

from __future__ import annotations

from pathlib import Path

from lightning_face.cache import cache_folder


def test_environment_variable_chooses_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path


def test_home_holds_the_folder_otherwise(monkeypatch):
    monkeypatch.delenv("LIGHTNING_FACE_CACHE", raising=False)
    monkeypatch.setenv("HOME", "/home/someone")
    assert cache_folder() == Path("/home/someone/.cache/lightning-face")
