"""Two processes do what one does with the clips of both."""

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

from lightning_face.testing.processes import run_processes
from lightning_face_eventvit.data.sample import write_sample
from lightning_face_eventvit.metrics import AlphaRegressionMetrics, ClassificationMetrics
from lightning_face_eventvit.modules.cross_modal_module import CrossModalModule
from lightning_face_eventvit.modules.event_vit_module import EventViTModule
from lightning_face_eventvit.modules.fusion_module import FusionModule
from lightning_face_eventvit.modules.privileged_module import PrivilegedModule

STEPS, CLIPS = 2, 4
EXPERIMENTS = Path(__file__).parents[1] / "lightning_face_eventvit/experiments"
MODULES = {
    "event": lambda **tiny: EventViTModule(**tiny),
    "late": lambda **tiny: FusionModule(fusion="late", **tiny),
    "middle": lambda **tiny: FusionModule(fusion="middle", **tiny),
    "early": lambda **tiny: FusionModule(fusion="early", **tiny),
    "early-features": lambda **tiny: FusionModule(fusion="early", early_head="features", **tiny),
    "privileged": lambda **tiny: PrivilegedModule(**tiny),
    "cross-modal": lambda **tiny: CrossModalModule(**tiny),
    "cross-modal-labels": lambda **tiny: CrossModalModule(ce_weight=1.0, **tiny),
}


class Objective(nn.Module):
    """The loss of a module as something that processes can share."""

    def __init__(self, name: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.module = MODULES[name](
            image_size=16,
            patch_size=8,
            num_classes=3,
            dim=8,
            depth=1,
            temporal_depth=1,
            heads=2,
            mlp_dim=8,
            dim_head=4,
            dropout=0.0,
            emb_dropout=0.0,
        )
        self.module.log_dict = lambda *arguments, **options: None
        # the dropout of the joint head is not a setting
        for part in self.module.modules():
            if isinstance(part, nn.Dropout):
                part.p = 0.0

    def forward(self, batch: dict) -> Tensor:
        return self.module.training_step(batch, 0)


def make_batches() -> list[dict]:
    generator = torch.Generator().manual_seed(1)
    return [
        {
            "event": torch.randint(256, (CLIPS, 4, 1, 16, 16), generator=generator).byte(),
            "rgb": torch.randint(256, (CLIPS, 4, 3, 16, 16), generator=generator).byte(),
            # as many real frames in each half, so that the mean of both is the mean of all
            "frame_valid": torch.tensor([[False, True, True, True]] * CLIPS),
            "label": torch.randint(3, (CLIPS,), generator=generator),
            "alpha": torch.randn(CLIPS, 4, 32, generator=generator),
            "alpha_valid": torch.tensor([[False, True, False, True]] * CLIPS),
        }
        for _ in range(STEPS)
    ]


def train(objective: nn.Module, batches: list[dict]) -> None:
    optimizer = torch.optim.SGD([p for p in objective.parameters() if p.requires_grad], lr=0.1)
    for batch in batches:
        optimizer.zero_grad()
        objective(batch).backward()
        optimizer.step()


def make_table() -> tuple[Tensor, Tensor, list[str], Tensor, Tensor, Tensor]:
    """Scores, labels and users of 23 clips, and their coefficients."""
    generator = torch.Generator().manual_seed(2)
    labels = torch.randint(3, (23,), generator=generator)
    scores = torch.randn(23, 3, generator=generator)
    scores[torch.arange(23), labels] += 1
    users = [f"user-{index % 5}" for index in range(23)]
    target = torch.randn(23, 6, 32, generator=generator)
    pred = target + 0.5 * torch.randn(23, 6, 32, generator=generator)
    valid = torch.rand(23, 6, generator=generator) < 0.8
    return scores, labels, users, pred, target, valid


def measure(rank: int = 0, world_size: int = 1) -> dict[str, float]:
    """Rows of both tables from the clips of one process; every process gets those of all."""
    scores, labels, users, pred, target, valid = make_table()
    classes = ClassificationMetrics(["AU_1", "AU_2", "AU_43"], [0, 0, 4])
    alphas = AlphaRegressionMetrics(torch.eye(33, 32))
    for index in range(rank, len(labels), world_size):
        clip = slice(index, index + 1)
        classes.update(scores[clip], labels[clip], users[clip])
        alphas.update(pred[clip], target[clip], valid[clip], torch.zeros(32), torch.ones(32))
    return {name: row.item() for name, row in (classes.compute() | alphas.compute()).items()}


def work_on_half(rank: int):
    half = slice(rank * CLIPS // 2, (rank + 1) * CLIPS // 2)
    mine = [{name: value[half] for name, value in batch.items()} for batch in make_batches()]
    found = {"rows": measure(rank, 2)}
    for name in MODULES:
        # the default: a parameter that got no gradient would raise in the second step
        objective = DistributedDataParallel(Objective(name))
        train(objective, mine)
        found[name] = objective.module.state_dict()
    return found


@pytest.fixture(scope="module")
def halves() -> list[dict]:
    """What two processes computed, each on its half of the clips."""
    return run_processes(work_on_half)


@pytest.mark.distributed
@pytest.mark.parametrize("name", MODULES)
def test_training_equals_that_on_all_clips(halves, name):
    objective = Objective(name)
    before = {key: value.clone() for key, value in objective.state_dict().items()}
    train(objective, make_batches())
    expected = dict(objective.state_dict())
    assert not all(torch.equal(value, before[key]) for key, value in expected.items())
    for half in halves:
        torch.testing.assert_close(half[name], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.distributed
def test_rows_equal_those_of_all_clips(halves):
    expected = measure()
    # which clip of an odd number is left out depends on their order
    for name in ("accuracy_published", "cross_entropy_published"):
        del expected[name]
    for half in halves:
        rows = {name: half["rows"][name] for name in expected}
        assert rows == pytest.approx(expected, rel=1e-5)


@pytest.mark.distributed
def test_trainer_with_two_processes_prints_the_rows_of_one(tmp_path):
    write_sample(tmp_path / "data", users=5, size=48, num_frames=8)
    settings = yaml.safe_load((EXPERIMENTS / "eventvit_cross_modal.yaml").read_text())
    settings["data"]["init_args"] |= {
        "root": str(tmp_path / "data"),
        "cache_dir": str(tmp_path / "clips"),
        "batch_size": 3,
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
        return {
            name: float(value)
            for name, value in row.items()
            # the mean over batches of means over frames depends on the batches
            if name.startswith("test/") and not name.endswith(("_published", "loss"))
        }

    two = ("--trainer.strategy", "ddp", "--trainer.devices", "2")
    trained = run("fit", "-c", "experiment.yaml", *two)
    checkpoint = str(trained / "checkpoints/last.ckpt")
    alone = rows(run("test", "-c", "experiment.yaml", "--ckpt_path", checkpoint))
    together = rows(run("test", "-c", "experiment.yaml", "--ckpt_path", checkpoint, *two))
    assert {"test/alpha_mse", "test/r2", "test/probe_accuracy"} < alone.keys()
    assert together == pytest.approx(alone, rel=1e-4, abs=1e-5)
