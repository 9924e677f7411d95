"""Two processes share queues, gradients and evaluation."""

from __future__ import annotations

import copy
import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.parallel import DistributedDataParallel

from lightning_face.testing.processes import run_processes
from lightning_face_mars.data.person_layout import CUHK_PEDES
from lightning_face_mars.data.sample import write_sample
from lightning_face_mars.losses import MaskingDraws
from lightning_face_mars.modules.mars_module import MARSModule
from lightning_face_mars.training_losses import TrainingDraws, training_losses

STEPS, SIZE, LENGTH, WORDS = 3, 4, 8, 110
EXPERIMENTS = Path(__file__).parents[1] / "lightning_face_mars/experiments"
METHODS: dict[str, dict[str, Any]] = {
    "mars": {"preset": "mars"},
    "rasa": {"preset": "rasa"},
    "albef": {"preset": "albef"},
    # nothing that reads texts together with pictures
    "encoders": {
        "weights": dict.fromkeys(
            ["matching", "masked_language", "relation", "sensitivity", "attribute"], 0.0
        )
    },
}


class Objective(nn.Module):
    """The loss of a module as something that processes can share."""

    def __init__(self, method: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.module = MARSModule(
            **METHODS[method],
            image_size=16,
            patch_size=8,
            vision_width=16,
            vision_depth=1,
            vision_heads=2,
            bert={
                "vocab_size": WORDS,
                "hidden_size": 16,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "intermediate_size": 16,
                "max_position_embeddings": LENGTH,
                "fusion_layer": 1,
                "hidden_dropout_prob": 0.0,
                "attention_probs_dropout_prob": 0.0,
            },
            embed_dim=8,
            decoder_depth=1,
            decoder_heads=2,
            # batches of both processes straddle the end
            queue_size=12,
        )
        self.module.freeze_idle_parts()
        self._ddp_params_and_buffers_to_ignore = [
            f"module.{name}" for name in self.module._ddp_params_and_buffers_to_ignore
        ]

    def forward(self, batch: dict[str, Tensor], draws: TrainingDraws) -> Tensor:
        settings = self.module.loss_settings
        return training_losses(self.module.network, batch, settings, 0.4, draws).loss


def make_step(step: int, rank: int) -> tuple[dict[str, Tensor], TrainingDraws]:
    """Make the batch and the draws of one step of one process."""
    generator = torch.Generator().manual_seed(10 * step + rank)

    def integers(high: int, *shape: int) -> Tensor:
        return torch.randint(high, shape, generator=generator)

    def masking() -> MaskingDraws:
        draws = (torch.rand(SIZE, LENGTH, generator=generator) < 0.5 for _ in range(3))
        return MaskingDraws(*draws, integers(WORDS, SIZE, LENGTH))

    words = {name: integers(90, SIZE, LENGTH) + 1 for name in ("input_ids", "second_input_ids")}
    for ids in words.values():
        ids[:, 0] = 101
    batch = {
        "images": torch.randn(SIZE, 3, 16, 16, generator=generator),
        "second_images": torch.randn(SIZE, 3, 16, 16, generator=generator),
        **words,
        "attention_mask": torch.ones(SIZE, LENGTH, dtype=torch.long),
        "second_attention_mask": torch.ones(SIZE, LENGTH, dtype=torch.long),
        "attribute_masks": integers(3, SIZE, LENGTH),
        "identities": torch.arange(SIZE) + 2 * rank,
        "replaced": integers(2, SIZE),
    }
    draws = TrainingDraws(
        wrong_images=torch.tensor([1, 2, 3, 0]),
        wrong_texts=torch.tensor([3, 0, 1, 2]),
        masking=masking(),
        sensitivity_masking=masking(),
        sampled=integers(WORDS, SIZE, LENGTH),
        noise=torch.rand(SIZE, 4, generator=generator),
    )
    return batch, draws


def optimizer_of(objective: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD([each for each in objective.parameters() if each.requires_grad], lr=0.1)


def train_together(rank: int, method: str) -> dict[str, Tensor]:
    # the default: a parameter that got no gradient would raise in the second step
    objective = DistributedDataParallel(Objective(method))
    optimizer = optimizer_of(objective)
    for step in range(STEPS):
        optimizer.zero_grad()
        objective(*make_step(step, rank)).backward()
        optimizer.step()
    return dict(objective.module.state_dict())


def backward_apart(
    objective: Objective, state: dict[str, Tensor], step: int, rank: int
) -> list[Tensor]:
    """Add half of the gradient of one process, and return what it would write into queues."""
    network = objective.module.network
    network.load_state_dict(state)
    features: list[Tensor] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "enqueue", lambda *found: features.extend(found))
        (objective(*make_step(step, rank)) / 2).backward()
    return features


def train_alone(method: str) -> dict[str, Tensor]:
    """Do what two processes do, one after the other: both see the queues of the last step."""
    objective = Objective(method)
    optimizer = optimizer_of(objective)
    network = objective.module.network
    for step in range(STEPS):
        optimizer.zero_grad()
        before = copy.deepcopy(network.state_dict())
        features = [backward_apart(objective, before, step, rank) for rank in range(2)]
        network.enqueue(*(torch.cat(both) for both in zip(*features, strict=True)))
        optimizer.step()
    return dict(objective.state_dict())


def work_together(rank: int) -> dict[str, Any]:
    found: dict[str, Any] = {method: train_together(rank, method) for method in METHODS}
    found["queues"] = fill_queues(rank)
    found["own queue"] = keep_own_queue(rank)
    return found


def queue_features(step: int, rank: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(100 + 10 * step + rank)
    images, texts = (normalize(torch.randn(SIZE, 8, generator=generator)) for _ in range(2))
    return images, texts, torch.randint(9, (SIZE,), generator=generator)


def fill_queues(rank: int) -> dict[str, Tensor]:
    network = Objective("rasa").module.network
    for step in range(STEPS):
        network.enqueue(*queue_features(step, rank))
    return {name: value for name, value in network.named_buffers() if "queue" in name}


def keep_own_queue(rank: int) -> Tensor:
    """Begin with a queue that the other process does not have."""
    objective = Objective("rasa")
    objective.module.network.image_queue[:, -1] = rank
    shared = DistributedDataParallel(objective)
    shared(*make_step(0, rank))
    return objective.module.network.image_queue[:, -1]


@pytest.fixture(scope="module")
def halves() -> list[dict[str, Any]]:
    """What two processes computed, each on batches of its own."""
    return run_processes(work_together)


@pytest.mark.distributed
@pytest.mark.parametrize("method", METHODS)
def test_training_equals_that_of_one_process_on_both_batches(halves, method):
    expected = train_alone(method)
    fresh = Objective(method).state_dict()
    for name in ("visual_encoder.cls_token", "visual_encoder_m.cls_token", "text_queue"):
        assert not torch.equal(*(state[f"module.network.{name}"] for state in (expected, fresh)))
    for half in halves:
        torch.testing.assert_close(half[method], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.distributed
def test_queues_hold_the_features_of_both_in_order(halves):
    network = Objective("rasa").module.network
    for step in range(STEPS):
        both = zip(*(queue_features(step, rank) for rank in range(2)), strict=True)
        network.enqueue(*(torch.cat(parts) for parts in both))
    expected = {name: value for name, value in network.named_buffers() if "queue" in name}
    assert expected["queue_ptr"] == STEPS * 2 * SIZE % 12
    for half in halves:
        torch.testing.assert_close(half["queues"], expected, rtol=0, atol=0)


@pytest.mark.distributed
def test_queues_are_not_sent_about(halves):
    assert [half["own queue"].unique().tolist() for half in halves] == [[0.0], [1.0]]


@pytest.mark.distributed
def test_trainer_with_two_processes_prints_the_rows_of_one(tmp_path):
    root = tmp_path / "data"
    write_sample(root, CUHK_PEDES, {"train": 5, "val": 3, "test": 5}, images_each=3)
    settings = yaml.safe_load((EXPERIMENTS / "mars.yaml").read_text())
    settings["model"]["init_args"]["candidates"] = 6
    settings["data"]["init_args"] |= {
        "root": str(root),
        "vocabulary": str(root / "vocab.txt"),
        "chunker": "lexicon",
        "batch_size": 4,
        # neither captions nor pictures are a multiple of two batches
        "eval_batch_size": 4,
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
    assert {"test/R@1", "test/mAP", "test/mINP", "test/similarity_R@10"} <= alone.keys()
    assert together == pytest.approx(alone, rel=1e-4, abs=1e-5)
