"""The fixtures that plugins import into their tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.demos.boring_classes import BoringModel

from lightning_face.data import cached_sample
from lightning_face.testing.fixtures import run_folder, sample_cache, trainer_kwargs

__all__ = ["run_folder", "sample_cache", "trainer_kwargs"]


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_trainer_writes_nowhere_but_into_the_run_folder(
    trainer_kwargs: dict[str, Any], run_folder: Path, monkeypatch: Any, tmp_path: Path
):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    trainer = Trainer(**trainer_kwargs, max_steps=1)
    trainer.fit(BoringModel())
    assert trainer.default_root_dir == str(run_folder)
    assert files(elsewhere) == set()


def test_sample_is_written_to_the_cache_of_the_session_once(sample_cache: Path):
    calls = []

    def write(folder: Path) -> None:
        calls.append(folder)
        (folder / "one.txt").write_text("1")

    first, second = (cached_sample("fixture-test", write) for _ in range(2))
    assert first == second
    assert sample_cache in first.parents
    assert len(calls) == 1


def test_importing_the_fixtures_waits_for_no_torch():
    code = "import sys, lightning_face.testing.fixtures; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == "False\n"
