"""Pytest fixtures for plugins, to be imported into their ``conftest.py``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

__all__ = ["run_folder", "sample_cache", "trainer_kwargs"]


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """Empty folder that stands for the folder of one run."""
    folder = tmp_path / "runs" / "experiment" / "run"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def trainer_kwargs(run_folder: Path) -> dict[str, Any]:
    """Arguments of a quiet ``Trainer`` on the CPU that writes only to ``run_folder``."""
    return {
        "accelerator": "cpu",
        "devices": 1,
        "default_root_dir": str(run_folder),
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "use_distributed_sampler": False,
    }


@pytest.fixture(scope="session")
def sample_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folder in which the bundled samples of this test session are written, once each."""
    folder = tmp_path_factory.mktemp("sample-cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIGHTNING_FACE_CACHE", str(folder))
        yield folder
