"""A stranger's plugin: written, built, installed into a fresh environment, run, uninstalled."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_face.cli.scaffold import write_plugin

pytestmark = pytest.mark.distributed

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the skeleton, as a stranger would upload it."""
    pytest.importorskip("build", reason="the package build is not installed")
    folder = tmp_path_factory.mktemp("stranger")
    write_plugin("my-paper", folder / "source")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", folder, "source"],
        cwd=folder, check=True, capture_output=True, text=True,
    )  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run the Python of a fresh environment in which the core is installed and nothing else.

    The core, torch and pip are those of this environment, seen through a path file: installing
    them anew would download gigabytes.
    """
    folder = tmp_path_factory.mktemp("fresh")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    executable = folder / "venv" / "bin" / "python"
    where = [executable, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = subprocess.run(where, capture_output=True, text=True, check=True).stdout.strip()
    parents = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    lines = [f"import site; site.addsitedir({parent!r})\n" for parent in sorted(parents)]
    (Path(site) / "core.pth").write_text("".join(lines))

    def run(*words: object, status: int = 0) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "LIGHTNING_FACE_CACHE": str(folder / "cache"),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        environment.pop("PYTHONPATH", None)
        result = subprocess.run(
            [executable, *map(str, words)],
            cwd=folder, env=environment, capture_output=True, text=True, timeout=500,
        )  # fmt: skip
        assert result.returncode == status, f"{words}\n{result.stdout}\n{result.stderr}"
        return result

    return run


def registered(python: Run) -> set[tuple[str, str]]:
    """Group and name of every registered plugin."""
    rows = python("-m", "lightning_face", "list").stdout.splitlines()[1:]
    return {(row.split()[0], row.split()[1]) for row in rows}


def test_life_of_a_plugin(python: Run, wheel: Path):
    face = ("-m", "lightning_face")
    before = registered(python)
    assert not [name for _, name in before if "my-paper" in name]

    python("-m", "pip", "install", "--no-index", wheel)
    assert registered(python) - before == {
        ("models", "my-paper"),
        ("data", "my-paper-faces"),
        ("experiments", "my-paper"),
    }
    experiment = Path(python(*face, "experiments", "my-paper").stdout.strip())
    assert experiment.is_file()
    report = python(*face, "doctor", "lightning-face-my-paper").stdout
    assert "no problems found" in report
    # its own tests: the whole contract, and that it learns
    python("-m", "pytest", "-q", "-p", "no:cacheprovider", wheel.parent / "source" / "tests")

    python(*face, "fit", "--config", experiment, "--trainer.max_epochs", "4")
    folder = experiment_folder(python)
    for file in ("config.yaml", "report.html", "checkpoints/last.ckpt"):
        assert (folder / file).is_file()
    assert len(list((folder / "samples").glob("*.png"))) == 4
    with (folder / "metrics.csv").open(newline="") as file:
        accuracy = [
            float(row["val/accuracy"]) for row in csv.DictReader(file) if row["val/accuracy"]
        ]
    assert accuracy[-1] > 0.7, "three expressions: guessing gives a third"

    python(*face, "export", folder / "checkpoints" / "last.ckpt", "-o", folder / "weights")
    python(*face, "predict", "--init_from", folder / "weights", "--data", "my-paper-faces")
    (table,) = folder.parents[1].glob("*/*/predictions/expressions-0.csv")
    assert len(table.read_text().splitlines()) == 150

    python("-m", "pip", "uninstall", "--yes", "lightning-face-my-paper")
    assert registered(python) == before
    error = python(*face, "fit", "--model", "my-paper", status=2).stderr
    assert "my-paper" in error
    assert "Traceback" not in error
    assert "EMA" in python(*face, "info", "ema").stdout


def experiment_folder(python: Run) -> Path:
    """The only run of the experiment."""
    here = Path(python("-c", "import os; print(os.getcwd())").stdout.strip())
    (folder,) = (here / "runs" / "my-paper").iterdir()
    return folder
