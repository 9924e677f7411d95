from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).parent


@dataclass
class Result:
    status: int
    output: str


class Warm:
    """A process that has imported lightning and forks for every command."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE.parent / "cli" / "warm.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def start(self, folder: Path, *words: str) -> None:
        """Start a command; its working directory gets a file ``pid``."""
        (folder / "pid").unlink(missing_ok=True)
        request = {
            "argv": words,
            "cwd": str(folder),
            "env": {"LIGHTNING_FACE_CACHE": str(folder / "cache")},
            "path": [str(HERE / "toy")],
            "stdout": str(folder / "stdout.txt"),
            "stderr": str(folder / "stderr.txt"),
        }
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def wait(self, folder: Path) -> Result:
        """Wait for the end of the command that was started last."""
        status = json.loads(self.process.stdout.readline())["status"]
        output = "".join((folder / f"{name}.txt").read_text() for name in ("stdout", "stderr"))
        return Result(status, output)

    def run(self, folder: Path, *words: str) -> Result:
        self.start(folder, *words)
        return self.wait(folder)

    def close(self) -> None:
        # loader workers of other tests may hold its standard input open, so it would wait for more
        self.process.kill()
        self.process.wait(timeout=60)
        self.process.stdin.close()


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    process = Warm()
    yield process
    process.close()


@pytest.fixture
def experiment(tmp_path: Path) -> Callable[..., Path]:
    """Write ``exp.yaml`` into a new folder; no settings of the checkpoints are the default."""

    def write(
        name: str,
        trainer: dict[str, Any],
        checkpoints: dict[str, Any] | None,
        callbacks: list[Any],
        model: Any = "toy",
        data: dict[str, Any] | None = None,
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        keepers = [
            {
                "class_path": "ModelCheckpoint",
                "init_args": {"save_last": True, "save_top_k": -1, **settings},
            }
            for settings in ([] if checkpoints is None else [checkpoints])
        ]
        content = {
            "seed_everything": 5,
            "model": model,
            "data": {"class_path": "toy", "init_args": data or {}},
            "trainer": {
                "accelerator": "cpu",
                "devices": 1,
                "max_epochs": 3,
                "log_every_n_steps": 1,
                "enable_progress_bar": False,
                "enable_model_summary": False,
                "logger": False,
                **trainer,
                "callbacks": [*callbacks, *keepers],
            },
        }
        (folder / "exp.yaml").write_text(yaml.safe_dump(content))
        return folder

    return write
