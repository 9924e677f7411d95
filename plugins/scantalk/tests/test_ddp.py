"""Two processes do what one does with the sequences of both."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from lightning_face.sample_heads.topology import HeadTopology
from lightning_face.testing.processes import run_processes
from lightning_face_scantalk.data.sample import write_sample
from lightning_face_scantalk.modules.example_heads import example_batch
from lightning_face_scantalk.modules.head_table import HeadTable
from lightning_face_scantalk.modules.scantalk_module import ScanTalkModule
from lightning_face_scantalk.modules.unregistered_module import UnregisteredModule

STEPS = 3
EXPERIMENTS = Path(__file__).parents[1] / "lightning_face_scantalk/experiments"
SPEECH = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
    "hidden_dropout": 0.0,
    "activation_dropout": 0.0,
    "attention_dropout": 0.0,
    # another layer is left out in each step, the same in both processes
    "layerdrop": 0.5,
    "apply_spec_augment": False,
}
MODULES = {
    "registered": lambda **tiny: ScanTalkModule(loss="weighted", **tiny),
    "chamfer": lambda **tiny: UnregisteredModule(**tiny),
    "surface": lambda **tiny: UnregisteredModule(loss="surface", **tiny),
}


class Objective(nn.Module):
    """The loss of a module as something that processes can share."""

    def __init__(self, name: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.module = MODULES[name](
            latent_channels=8, lstm_layers=1, num_blocks=1, speech_config=SPEECH
        )
        nn.init.normal_(self.module.network.decoder.last_lin.weight, std=0.001)
        self.module.log_dict = lambda *arguments, **options: None

    def forward(self, batch: dict, step: int) -> Tensor:
        self.module.network.audio_encoder.begin_step(step)
        return self.module.training_step(batch, step)


def train(objective: nn.Module, batch: dict) -> None:
    optimizer = torch.optim.SGD([p for p in objective.parameters() if p.requires_grad], lr=1e-5)
    for step in range(STEPS):
        optimizer.zero_grad()
        objective(batch, step).backward()
        optimizer.step()


def part(batch: dict, rank: int) -> dict:
    return {name: value[rank : rank + 1] for name, value in batch.items()}


def measure(ranks: list[int]) -> dict[str, float]:
    """Rows of the table from the sequences of one process; every process gets those of all."""
    batch = {**example_batch(), "dataset": ["vocaset", "BIWI"]}
    table = HeadTable(["vocaset", "BIWI", "multiface"])
    for index in ranks:
        template, truth = batch["template"][index], batch["vertices"][index]
        table.update(template + 0.4 * (truth - template), batch, index)
    return {name: row.item() for name, row in table.compute().items()}


def work_on_half(rank: int):
    found = {"rows": measure([rank]), "rows of one alone": measure([0, 1] if rank else [])}
    for name in MODULES:
        # the default: a parameter that got no gradient would raise in the second step
        objective = DistributedDataParallel(Objective(name))
        train(objective, part(example_batch(unregistered=name != "registered"), rank))
        found[name] = objective.module.state_dict()
    return found


@pytest.fixture(scope="module")
def halves() -> list[dict]:
    """What two processes computed, each on one of two sequences."""
    return run_processes(work_on_half)


@pytest.mark.distributed
@pytest.mark.parametrize("name", MODULES)
def test_training_equals_that_on_all_sequences(halves, name):
    objective = Objective(name)
    before = {key: value.clone() for key, value in objective.state_dict().items()}
    train(objective, example_batch(unregistered=name != "registered"))
    expected = dict(objective.state_dict())
    assert not all(torch.equal(value, before[key]) for key, value in expected.items())
    for half in halves:
        torch.testing.assert_close(half[name], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.distributed
@pytest.mark.parametrize("rows", ["rows", "rows of one alone"])
def test_rows_equal_those_of_all_sequences(halves, rows):
    expected = measure([0, 1])
    assert {"lve_vocaset", "chamfer_BIWI", "dtw"} < expected.keys()
    for half in halves:
        assert half[rows] == pytest.approx(expected, rel=1e-5)


@pytest.mark.distributed
def test_trainer_with_two_processes_prints_the_rows_of_one(tmp_path):
    write_sample(
        tmp_path / "data",
        topologies={"vocaset": HeadTopology(4), "BIWI": HeadTopology(5)},
        subjects={
            "vocaset": (
                *("FaceTalk_170725_00137_TA", "FaceTalk_170811_03275_TA"),
                "FaceTalk_170809_00138_TA",
            ),
            "BIWI": ("F1", "F7", "F8"),
        },
        sentences=2,
        seconds=0.6,
    )
    settings = yaml.safe_load((EXPERIMENTS / "scantalk.yaml").read_text())
    settings["data"]["init_args"] |= {
        "root": str(tmp_path / "data"),
        "datasets": ["vocaset", "BIWI"],
        "num_eigenpairs": 8,
    }
    settings["trainer"] = {"max_epochs": 1, "enable_progress_bar": False, "accelerator": "cpu"}
    (tmp_path / "experiment.yaml").write_text(yaml.safe_dump(settings))

    def run(*words: str) -> Path:
        command = [sys.executable, "-m", "lightning_face", *words]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=300)
        return max((tmp_path / "runs/experiment").iterdir(), key=lambda path: path.stat().st_ctime)

    def rows(run_folder: Path) -> dict[str, float]:
        with (run_folder / "metrics.csv").open() as file:
            (row,) = csv.DictReader(file)
        return {name: float(value) for name, value in row.items() if name.startswith("test/")}

    two = ("--trainer.strategy", "ddp", "--trainer.devices", "2")
    trained = run("fit", "-c", "experiment.yaml", *two)
    checkpoint = str(trained / "checkpoints/last.ckpt")
    alone = rows(run("test", "-c", "experiment.yaml", "--ckpt_path", checkpoint))
    together = rows(run("test", "-c", "experiment.yaml", "--ckpt_path", checkpoint, *two))
    assert {"test/lve", "test/mve", "test/fdd", "test/dtw_BIWI", "test/hd"} < alone.keys()
    assert together == pytest.approx(alone, rel=1e-4, abs=1e-5)
