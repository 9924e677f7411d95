"""A few drawn pedestrians."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lightning_face_mars.data.person_layout import LAYOUTS
from lightning_face_mars.data.sample import write_sample


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three data sets with 4, 2 and 3 persons in two pictures each, to be read only."""
    folder = tmp_path_factory.mktemp("drawn")
    for name, layout in LAYOUTS.items():
        write_sample(folder / name, layout, {"train": 4, "val": 2, "test": 3}, images_each=2)
    return folder


@pytest.fixture
def root(drawn: Path, tmp_path: Path) -> Path:
    """A CUHK-PEDES of a test's own."""
    return Path(shutil.copytree(drawn / "cuhk-pedes", tmp_path / "cuhk-pedes"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what is cached in the folder of the test."""
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path / "cache"))
