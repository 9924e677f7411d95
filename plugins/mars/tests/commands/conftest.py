"""Verbs with a small network and a small gallery."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_face_mars.commands import main


@pytest.fixture
def mars(search_checkpoint: Path) -> Callable[..., int]:
    """Run a verb with the small network."""

    def run(*words: object, network: bool = True) -> int:
        chosen = ["--checkpoint", search_checkpoint, "--device", "cpu"] if network else []
        return main([str(word) for word in (*words, *chosen)])

    return run


@pytest.fixture
def folder(drawn_gallery: Path, tmp_path: Path) -> Path:
    """A folder of 14 pictures of a test's own."""
    return Path(shutil.copytree(drawn_gallery / "imgs", tmp_path / "imgs"))


@pytest.fixture
def picture(folder: Path) -> Path:
    """One of them."""
    return next(folder.rglob("*.jpg"))


@pytest.fixture
def index(
    mars: Callable[..., int], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Path:
    """Their index."""
    path = tmp_path / "gallery.idx"
    mars("index", folder, "-o", path)
    capsys.readouterr()
    return path
