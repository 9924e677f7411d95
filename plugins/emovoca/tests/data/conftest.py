"""A small sample, written once and copied where a test changes it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from lightning_face.sample_heads.topology import HeadTopology
from lightning_face_emovoca.data.emotions import EMOTIONS
from lightning_face_emovoca.data.sample import write_sample

ACTORS = (
    "FaceTalk_170725_00137_TA",
    "FaceTalk_170811_03275_TA",
    "FaceTalk_170809_00138_TA",
)
SMALL = {
    "topology": HeadTopology(5, eyeballs=True, focus=0.8, eyeball_frequency=1),
    "actors": ACTORS,
    "emotions": EMOTIONS[2:5],
    "sentences": 3,
    "seconds": 0.4,
    "emotions_each": 2,
}


@pytest.fixture(scope="session")
def small() -> dict[str, Any]:
    """Arguments of `write_sample` of the small sample."""
    return SMALL


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch) -> Path:
    """Keep hierarchies, sounds and samples in one folder of this test run."""
    folder = tmp_path_factory.getbasetemp() / "cache"
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def written(tmp_path_factory) -> Path:
    """A small sample that no test may change: an actor to train, to validate and to test."""
    root = tmp_path_factory.mktemp("emovoca")
    write_sample(root, **SMALL)
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    """A copy of the small sample."""
    return Path(shutil.copytree(written, tmp_path / "emovoca"))
