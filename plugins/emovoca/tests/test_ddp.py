"""Two processes do what one does with the data of both."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
import yaml
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from lightning_face.mesh import Mesh
from lightning_face.sample_heads.shape import draw_identity, movement, neutral
from lightning_face.sample_heads.topology import HeadTopology
from lightning_face.testing.processes import run_processes
from lightning_face_emovoca.data.emotions import EMOTIONS
from lightning_face_emovoca.data.sample import write_sample
from lightning_face_emovoca.data.sample_landmarks import landmark_places
from lightning_face_emovoca.data.template_files import TemplateFiles
from lightning_face_emovoca.hierarchy.decimation import build_hierarchy
from lightning_face_emovoca.landmarks import LandmarkEmbedding, normalize_landmarks
from lightning_face_emovoca.modules.de_sd_module import DESDModule
from lightning_face_emovoca.modules.dense_table import DenseTable
from lightning_face_emovoca.modules.es2d_module import ES2DModule
from lightning_face_emovoca.modules.es2l_module import ES2LModule
from lightning_face_emovoca.modules.landmark_table import LandmarkTable
from lightning_face_emovoca.modules.mixture_table import MixtureTable
from lightning_face_emovoca.verification.motion_measures import HeadRegions
from lightning_face_emovoca.verification.settings import VerificationSettings
from lightning_face_emovoca.verification.unit_measures import UnitMeasurer

EXPERIMENTS = Path(__file__).parents[1] / "lightning_face_emovoca/experiments"
STEPS = 3
FRAMES = (9, 6)
MESH = HeadTopology(5).sphere()
EMBEDDING = LandmarkEmbedding.from_triangles(*landmark_places(MESH), MESH.faces)
TEMPLATE = neutral(MESH, draw_identity(np.random.default_rng(0)))
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
DENSE = {"decoder_widths": [8, 8, [4, 3]]}
KINDS = ["desd", "es2d", "es2l"]


def make_module(kind: str) -> Any:
    torch.manual_seed(0)
    if kind == "es2l":
        module = ES2LModule(feature_dim=8, num_layers=1, speech_config=SPEECH)
        nn.init.normal_(module.network.output_mapper.weight, std=0.01)
        return module
    hierarchy = build_hierarchy(Mesh(TEMPLATE, MESH.faces), num_levels=2)
    sizes = {
        "level_sizes": list(hierarchy.level_sizes),
        "spiral_lengths": list(hierarchy.spiral_lengths),
    }
    if kind == "desd":
        module = DESDModule(latent_size=8, encoder_widths=[4, 8], **sizes, **DENSE)
    else:
        module = ES2DModule(**sizes, **DENSE)
    module.network.load_hierarchy(hierarchy)
    return module


def motions() -> list[Tensor]:
    """Displacements of a mouth that opens, of two lengths."""
    way = torch.from_numpy(movement(MESH)).float()
    return [
        torch.linspace(0, 3 + index, frames).sin().abs()[:, None, None] * way
        for index, frames in enumerate(FRAMES)
    ]


def landmark_sequences() -> tuple[Tensor, list[Tensor]]:
    """Normalised landmarks at rest and of the two motions."""
    still = torch.from_numpy(TEMPLATE).float()
    found = [normalize_landmarks(EMBEDDING.landmarks_of(still + each)) for each in motions()]
    return normalize_landmarks(EMBEDDING.landmarks_of(still)), found


def part_of_batch(kind: str, ranks: list[int]) -> dict[str, Any]:
    """The batch of some processes; each has one sequence, or half of the frames."""
    random = torch.Generator().manual_seed(1)
    talking, _ = motions()
    still, landmarks = landmark_sequences()
    rows = [row for rank in ranks for row in range(4 * rank, 4 * rank + 4)]
    if kind == "desd":
        noise = 0.002 * torch.randn(8, len(TEMPLATE), 3, generator=random)
        return {"talking": talking[:8][rows], "expression": noise[rows]}
    if kind == "es2d":
        return {
            "landmarks": (landmarks[0] - still)[:8][rows],
            "displacement": talking[:8][rows],
        }
    sounds = [torch.randn(frames * 16000 // 60, generator=random) for frames in FRAMES]
    emotions = torch.eye(11)[[2, 5]]
    return {
        "waveform": [sounds[rank] for rank in ranks],
        "landmarks": [landmarks[rank] for rank in ranks],
        "template_landmarks": [still for _ in ranks],
        "emotion": [emotions[rank] for rank in ranks],
        "intensity": [torch.eye(3)[rank] for rank in ranks],
    }


class Objective(nn.Module):
    """The loss of a module as something that processes can share."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.module = make_module(kind)
        self.module.log_dict = mock.Mock()

    def forward(self, batch: dict[str, Any], step: int) -> Tensor:
        if isinstance(self.module, ES2LModule):
            self.module.network.audio_encoder.begin_step(step)
        return self.module.training_step(batch, step)


def train(objective: nn.Module, batch: dict[str, Any]) -> None:
    optimizer = torch.optim.SGD([p for p in objective.parameters() if p.requires_grad], lr=1e-4)
    for step in range(STEPS):
        optimizer.zero_grad()
        objective(batch, step).backward()
        optimizer.step()


def measure(ranks: list[int]) -> dict[str, dict[str, float]]:
    """Rows of all tables from the sequences of some; every process gets those of all."""
    template = torch.from_numpy(TEMPLATE)
    still, landmarks = landmark_sequences()
    dense, sparse, mixture = DenseTable(), LandmarkTable(), MixtureTable()
    head = HeadRegions(TEMPLATE, MESH.faces, EMBEDDING.landmarks_of, VerificationSettings())
    model = np.zeros((1, *TEMPLATE.shape), np.float32)
    model[:, head.upper_face] = 0.003
    for rank in ranks:
        motion = motions()[rank]
        dense.update((0.4 + 0.2 * rank) * motion, motion, template, EMBEDDING)
        sparse.update(0.5 * (still + landmarks[rank]), landmarks[rank], still, rank, 0)
        mixture.update_reconstruction("talking", (0.4 + 0.2 * rank) * motion, motion)
        mixture.update_reconstruction("expression", torch.zeros(1, *TEMPLATE.shape), motion[1:2])
        measurer = UnitMeasurer("unit", head, 1, 2)
        measurer.add_talking(motion.numpy(), motion.numpy())
        for intensity in range(2):
            measurer.add(0, intensity, (1 - 0.3 * rank) * motion.numpy() + intensity * model)
        mixture.update_mixtures(measurer.finish(model, (1.0, 2.0)))
    tables = {"dense": dense, "landmarks": sparse, "mixture": mixture}
    return {
        name: {row: value.item() for row, value in table.compute().items()}
        for name, table in tables.items()
    }


def work_on_half(rank: int) -> dict[str, Any]:
    found: dict[str, Any] = {"tables": measure([rank])}
    for kind in KINDS:
        # the default: a parameter that got no gradient would raise in the second step
        objective = DistributedDataParallel(Objective(kind))
        train(objective, part_of_batch(kind, [rank]))
        found[kind] = objective.module.state_dict()
    return found


@pytest.fixture(scope="module")
def halves() -> list[dict[str, Any]]:
    """What two processes computed, each on its half."""
    return run_processes(work_on_half)


@pytest.mark.distributed
@pytest.mark.parametrize("kind", KINDS)
def test_training_equals_that_on_all_data(halves, kind):
    objective = Objective(kind)
    before = {key: value.clone() for key, value in objective.state_dict().items()}
    train(objective, part_of_batch(kind, [0, 1]))
    expected = dict(objective.state_dict())
    assert not all(torch.equal(value, before[key]) for key, value in expected.items())
    for half in halves:
        torch.testing.assert_close(half[kind], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.distributed
@pytest.mark.parametrize("table", ["dense", "landmarks", "mixture"])
def test_rows_equal_those_of_all_sequences(halves, table):
    expected = measure([0, 1])[table]
    alone = measure([0])[table]
    assert expected != pytest.approx(alone, rel=1e-3, nan_ok=True)
    for half in halves:
        assert half["tables"][table] == pytest.approx(expected, rel=1e-5, abs=1e-9, nan_ok=True)


@pytest.mark.distributed
def test_trainer_with_two_processes_prints_the_rows_of_one(tmp_path):
    write_sample(
        tmp_path / "data",
        HeadTopology(5, eyeballs=True, focus=0.8, eyeball_frequency=1),
        actors=("FaceTalk_170725_00137_TA", "FaceTalk_170811_03275_TA", "FaceTalk_170809_00138_TA"),
        emotions=EMOTIONS[:2],
        sentences=2,
        seconds=0.3,
        emotions_each=1,
    )
    hierarchy = TemplateFiles.read(tmp_path / "data" / "src" / "template").hierarchy
    settings = yaml.safe_load((EXPERIMENTS / "emovoca_desd.yaml").read_text())
    settings["model"]["init_args"] |= {
        "level_sizes": list(hierarchy.level_sizes),
        "spiral_lengths": list(hierarchy.spiral_lengths),
    }
    settings["data"]["init_args"] |= {
        "root": str(tmp_path / "data"),
        "emotions": [emotion.name for emotion in EMOTIONS[:2]],
        "batch_size": 4,
    }
    settings["trainer"] = {
        "max_epochs": 1,
        "enable_progress_bar": False,
        "accelerator": "cpu",
        "precision": "bf16-mixed",
        "accumulate_grad_batches": 2,
        "gradient_clip_val": 1.0,
    }
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
    assert {"test/talking_ratio", "test/aperture_correlation", "test/loss"} < alone.keys()
    assert together == pytest.approx(alone, rel=1e-4, abs=1e-5)
