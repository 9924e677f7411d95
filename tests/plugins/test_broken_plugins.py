"""Plugins that cannot be imported, lack their object or share a name leave the others alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lightning_face.testing import write_distribution

pytestmark = pytest.mark.distributed

GOOD = '''
"""A plugin that works."""
import torch
from lightning_face.data import FaceDataModule
from lightning_face.modules import FaceModule

class GoodModel(FaceModule):
    """Linear map."""

    def __init__(self, lr: float = 0.1) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch, batch_idx):
        loss = self.layer(batch[:, None]).square().mean()
        self.log("train/loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)

class GoodData(FaceDataModule):
    """Numbers."""

    sample_name = "good-numbers"

    def write_sample(self, root):
        (root / "count.txt").write_text("32")

    def setup(self, stage):
        self.numbers = torch.arange(float((self.folder / "count.txt").read_text()))

    def train_dataloader(self):
        return self.loader(self.numbers, train=True)
'''


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five distributions: a good one and one for each way to be broken, two of them rivals."""
    site = tmp_path_factory.mktemp("site")
    write_distribution(
        site,
        "b-good",
        {"models": {"good": "b_good:GoodModel"}, "data": {"good-data": "b_good:GoodData"}},
        {"b_good": GOOD},
    )
    write_distribution(
        site,
        "b-import",
        {"models": {"torn": "b_import:Model"}, "commands": {"torn": "b_import:main"}},
        {"b_import": "import a_package_that_is_not_there\n"},
    )
    write_distribution(site, "b-missing", {"models": {"hollow": "b_missing:M"}}, {"b_missing": ""})
    for rival in ("b-first", "b-second"):
        module = rival.replace("-", "_")
        write_distribution(site, rival, {"models": {"twin": f"{module}:GoodModel"}}, {module: GOOD})
    return site


def face(
    site: Path, folder: Path, *words: str, status: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run the command with the broken distributions installed."""
    result = subprocess.run(
        [sys.executable, "-m", "lightning_face", *words],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(site),
            "OMP_NUM_THREADS": "1",
            "LIGHTNING_FACE_CACHE": str(site / "cache"),
        },
        capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert result.returncode == status, f"{words}\n{result.stdout}\n{result.stderr}"
    return result


def test_list_and_help_show_all_of_them(site: Path, tmp_path: Path):
    listed = face(site, tmp_path, "list", "models").stdout
    for name in ("good", "torn", "hollow", "twin"):
        assert f" {name} " in listed
    assert listed.count(" twin ") == 2
    assert "torn" in face(site, tmp_path, "--help").stdout


def test_another_model_trains(site: Path, tmp_path: Path):
    face(
        site, tmp_path, "fit", "--model", "good", "--data", "good-data",
        "--trainer.max_epochs", "1", "--trainer.accelerator", "cpu",
    )  # fmt: skip
    (folder,) = (tmp_path / "runs" / "good").iterdir()
    assert (folder / "report.html").is_file()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("torn", "No module named 'a_package_that_is_not_there'"),
        ("hollow", "has no attribute 'M'"),
        ("twin", "b-second"),
    ],
)
def test_a_broken_one_is_one_line_when_used(site: Path, tmp_path: Path, name: str, said: str):
    error = face(site, tmp_path, "fit", "--model", name, status=2).stderr
    assert said in error
    assert "Traceback" not in error
    assert sum("error:" in line for line in error.splitlines()) == 1


def test_the_doctor_names_the_broken_and_clears_the_good(site: Path, tmp_path: Path):
    text = face(site, tmp_path, "doctor", status=1).stdout
    rows = [line.split() for line in text.splitlines()]
    states = {
        (row[2], row[3]): row[0] for row in rows if len(row) == 5 and row[0] in ("ok", "FAIL")
    }
    assert states[("good", "b-good")] == "ok"
    assert states[("good-data", "b-good")] == "ok"
    for broken in (("torn", "b-import"), ("hollow", "b-missing"), ("twin", "b-first")):
        assert states[broken] == "FAIL"
    assert "a_package_that_is_not_there" in text
