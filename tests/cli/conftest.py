from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent

TOY_ENTRY_POINTS = """\
[lightning_face.models]
toy-model = lightning_face_toy:ToyModel
other = lightning_face_toy:OtherModel
not-a-model = lightning_face_toy:ToyData
broken = lightning_face_toy_missing:Model

[lightning_face.data]
toy-data = lightning_face_toy:ToyData

[lightning_face.importers]
toy-model = lightning_face_toy:import_toy

[lightning_face.commands]
greet = lightning_face_toy:greet
"""

EXPERIMENT = """\
model: toy-model
data: toy-data
trainer:
  max_epochs: 2
  accelerator: cpu
  log_every_n_steps: 1
  enable_progress_bar: false
  enable_model_summary: false
"""


@dataclass
class Result:
    status: int
    stdout: str
    stderr: str

    @property
    def error(self) -> str:
        """The last line of standard error, which must be the only one about an error."""
        lines = [line for line in self.stderr.splitlines() if "error:" in line]
        assert len(lines) == 1, self.stderr
        assert "Traceback" not in self.stderr
        return lines[0]


Command = Callable[..., Result]


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for sys.path that holds the toy plugin as an installed distribution."""
    site = tmp_path_factory.mktemp("site")
    (site / "lightning_face_toy.py").write_text((HERE / "toy.py").read_text())
    info = site / "lightning_face_toy-0.3.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: lightning-face-toy\nVersion: 0.3\nSummary: A toy.\n"
    )
    (info / "entry_points.txt").write_text(TOY_ENTRY_POINTS)
    return site


@pytest.fixture(scope="session")
def warm() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, str(HERE / "warm.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    yield process
    # loader workers of other tests may hold its standard input open, so it would wait for more
    process.kill()
    process.wait(timeout=60)
    process.stdin.close()


@pytest.fixture
def cli(warm: subprocess.Popen[str], toy: Path, tmp_path: Path) -> Command:
    """Run a command in an empty working directory, in a fork of the warm process."""

    def run(*argv: str, cwd: Path = tmp_path, **env: str) -> Result:
        stdout, stderr = tmp_path / ".stdout", tmp_path / ".stderr"
        request = {
            "argv": [str(word) for word in argv],
            "cwd": str(cwd),
            "env": env,
            "path": [str(toy)],
            "stdout": str(stdout),
            "stderr": str(stderr),
        }
        warm.stdin.write(json.dumps(request) + "\n")
        warm.stdin.flush()
        status = json.loads(warm.stdout.readline())["status"]
        return Result(status, stdout.read_text(), stderr.read_text())

    return run


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    """The configuration file of a run of two epochs of the toy."""
    path = tmp_path / "exp.yaml"
    path.write_text(EXPERIMENT)
    return path
