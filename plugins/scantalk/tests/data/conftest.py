"""Small samples, written once and copied where a test changes them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from lightning_face.sample_heads.topology import HeadTopology
from lightning_face_scantalk.data.sample import write_sample
from lightning_face_scantalk.data.unregistered_sample import write_unregistered_sample


class SmallHeads(NamedTuple):
    """What a small sample is written with."""

    topologies: dict[str, HeadTopology]
    subjects: dict[str, tuple[str, ...]]


@pytest.fixture(scope="session")
def small_heads() -> SmallHeads:
    """Heads of a small sample: one to train, one to validate, one to test, or a test head alone."""
    return SmallHeads(
        topologies={
            "vocaset": HeadTopology(5, eyeballs=True),
            "BIWI": HeadTopology(6, face_only=True),
            "multiface": HeadTopology(4),
        },
        subjects={
            "vocaset": (
                "FaceTalk_170725_00137_TA",
                "FaceTalk_170811_03275_TA",
                "FaceTalk_170809_00138_TA",
            ),
            "BIWI": ("F1", "F7", "M6"),
            "multiface": ("20181017",),
        },
    )


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch) -> Path:
    """Keep operators, sounds and samples in one folder of this test run."""
    folder = tmp_path_factory.getbasetemp() / "cache"
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def written(tmp_path_factory, small_heads) -> Path:
    """A small sample that no test may change."""
    root = tmp_path_factory.mktemp("heads")
    write_sample(root, *small_heads, sentences=2, seconds=0.4)
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    """A copy of the small sample."""
    return Path(shutil.copytree(written, tmp_path / "heads"))


@pytest.fixture(scope="session")
def written_scans(tmp_path_factory) -> Path:
    """A small sample without registration that no test may change."""
    root = tmp_path_factory.mktemp("scans")
    subjects = ("FaceTalk_170725_00137_TA", "FaceTalk_170809_00138_TA")
    write_unregistered_sample(root, subjects, frequency=5, sentences=2, seconds=0.4)
    return root


@pytest.fixture
def scans(written_scans: Path, tmp_path: Path) -> Path:
    """A copy of the small sample without registration."""
    return Path(shutil.copytree(written_scans, tmp_path / "scans"))
