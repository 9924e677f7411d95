"""A run that was cut and taken up again ends bit for bit where an undisturbed one does."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
import torch

from lightning_face.checkpoint import load_checkpoint

EMA = {"class_path": "ema", "init_args": {"decay": 0.9}}
STATE = ("state_dict", "optimizer_states", "lr_schedulers", "random_states", "ema_trained_weights")

# name: (settings of the experiment, batch at which it fails); an epoch has 7 batches
CASES = {
    "default checkpoints": ({"checkpoints": None}, 9),
    "epoch end": ({}, 9),
    "epoch end, 2 workers": ({"data": {"num_workers": 2}}, 9),
    "inside": ({"checkpoints": {"every_n_train_steps": 3}}, 11),
    "inside, 2 workers": (
        {"checkpoints": {"every_n_train_steps": 3}, "data": {"num_workers": 2}},
        11,
    ),
    "behind the last batch": ({"checkpoints": {"every_n_train_steps": 7}}, 8),
    "behind the last batch, without validation": (
        {
            "checkpoints": {"every_n_train_steps": 5},
            "trainer": {"limit_train_batches": 5, "check_val_every_n_epoch": 2},
        },
        6,
    ),
    "before a validation": (
        {"checkpoints": {"every_n_train_steps": 3}, "trainer": {"val_check_interval": 3}},
        4,
    ),
    "behind a validation": (
        {"checkpoints": {"monitor": "val/loss"}, "trainer": {"val_check_interval": 3}},
        13,
    ),
    "max_steps, epoch end": ({"trainer": {"max_epochs": -1, "max_steps": 17}}, 9),
    "max_steps, inside": (
        {
            "trainer": {"max_epochs": -1, "max_steps": 17},
            "checkpoints": {"every_n_train_steps": 3},
        },
        11,
    ),
    "accumulated gradients, between steps": (
        {
            "trainer": {"accumulate_grad_batches": 2},
            "checkpoints": {"every_n_train_steps": 3},
        },
        12,
    ),
    "accumulated gradients, before a step": (
        {
            "trainer": {"accumulate_grad_batches": 2, "val_check_interval": 3},
            "checkpoints": {"monitor": "val/loss"},
        },
        5,
    ),
    "manual optimisation, epoch end": ({"model": "toy-pair"}, 9),
    "manual optimisation, inside": (
        {"model": "toy-pair", "checkpoints": {"every_n_train_steps": 6}},
        11,
    ),
    "averaged weights": ({"callbacks": [EMA], "checkpoints": {"every_n_train_steps": 3}}, 11),
    "averaged weights, behind a validation": (
        {
            "callbacks": [EMA],
            "checkpoints": {"monitor": "val/loss"},
            "trainer": {"val_check_interval": 3},
        },
        13,
    ),
    "2 processes, inside": (
        {
            "trainer": {"strategy": "ddp_fork", "devices": 2},
            "checkpoints": {"every_n_train_steps": 2},
        },
        5,
    ),
    "2 processes, epoch end, 2 workers": (
        {"trainer": {"strategy": "ddp_fork", "devices": 2}, "data": {"num_workers": 2}},
        4,
    ),
}
PARAMETERS = [
    pytest.param(*case, id=name, marks=[pytest.mark.distributed] if "processes" in name else [])
    for name, case in CASES.items()
]


def run_folder(folder: Path) -> Path:
    (run,) = (folder / "runs" / "exp").iterdir()
    return run


def last(folder: Path) -> Path:
    return run_folder(folder) / "checkpoints" / "last.ckpt"


def assert_same(first, second, where="") -> None:
    assert type(first) is type(second), where
    if isinstance(first, dict):
        assert first.keys() == second.keys(), where
        for key in first:
            assert_same(first[key], second[key], f"{where}/{key}")
    elif isinstance(first, list | tuple):
        assert len(first) == len(second), where
        for index, (one, two) in enumerate(zip(first, second, strict=True)):
            assert_same(one, two, f"{where}/{index}")
    elif isinstance(first, torch.Tensor):
        assert torch.equal(first, second), where
    else:
        assert first == second, where


def assert_same_end(first: Path, second: Path) -> None:
    one, two = load_checkpoint(last(first)), load_checkpoint(last(second))
    for key in STATE:
        assert_same(one.get(key), two.get(key), key)
    assert one["global_step"] == two["global_step"] > 0


def table(folder: Path) -> list[str]:
    return (run_folder(folder) / "metrics.csv").read_text().splitlines()


@pytest.mark.parametrize(("settings", "batch"), PARAMETERS)
def test_cut_and_resumed_equals_undisturbed(warm, experiment, settings, batch):
    settings = {"trainer": {}, "checkpoints": {}, "callbacks": [], **settings}
    whole = experiment("whole", **settings)
    done = warm.run(whole, "fit", "-c", "exp.yaml")
    assert done.status == 0, done.output

    cut = experiment("cut", **settings)
    power_cut = json.dumps({"class_path": "toy-fail", "init_args": {"batch": batch}})
    failed = warm.run(cut, "fit", "-c", "exp.yaml", "--trainer.callbacks+", power_cut)
    assert failed.status == 1, failed.output
    # the saved random states count, not the seed
    resumed = warm.run(
        cut, "fit", "-c", "exp.yaml", "--ckpt_path", "last", "--seed_everything", "99"
    )
    assert resumed.status == 0, resumed.output

    assert_same_end(whole, cut)
    assert table(whole) == table(cut)


def test_killed_while_writing_checkpoints(warm, experiment):
    settings = {
        "trainer": {"max_epochs": 2},
        "checkpoints": {"every_n_train_steps": 1},
        "callbacks": [],
        # enough to be killed in the middle of a file
        "model": {"class_path": "toy", "init_args": {"ballast": 8}},
    }
    whole = experiment("whole", **settings)
    assert warm.run(whole, "fit", "-c", "exp.yaml").status == 0

    killed = experiment("killed", **settings)
    words = ["fit", "-c", "exp.yaml"]
    delays = (0.0, 0.005, 0.02, 0.05)
    for delay in delays:
        stale = set(killed.rglob("*.partial"))
        warm.start(killed, *words)
        # a checkpoint exists, and a newer one is being written
        deadline = time.monotonic() + 120
        while not (
            (set(killed.rglob(".*.ckpt.*partial")) - stale) and list(killed.rglob("last.ckpt"))
        ):
            assert time.monotonic() < deadline
            time.sleep(0.001)
        time.sleep(delay)
        os.kill(int((killed / "pid").read_text()), signal.SIGKILL)
        assert warm.wait(killed).status == -signal.SIGKILL
        load_checkpoint(last(killed))
        words = ["fit", "-c", "exp.yaml", "--ckpt_path", "last"]
    # a kill may hit the table as well
    (last(killed).parents[1] / ".metrics.csv.killed.partial").touch()
    finished = warm.run(killed, *words)
    assert finished.status == 0, finished.output

    assert_same_end(whole, killed)
    # the row of a step is logged after its checkpoint is written
    assert set(table(killed)) <= set(table(whole))
    assert len(table(killed)) >= len(table(whole)) - len(delays)
    assert not list(killed.rglob("*.partial"))


def test_another_order_of_batches_inside_an_epoch_is_refused(warm, experiment):
    settings = {
        "trainer": {},
        "checkpoints": {"every_n_train_steps": 3},
        "callbacks": [{"class_path": "toy-fail", "init_args": {"batch": 4}}],
    }
    folder = experiment("cut", **settings)
    assert warm.run(folder, "fit", "-c", "exp.yaml").status == 1
    (folder / "pid").unlink()
    ckpt = str(last(folder))
    other = experiment("other", **settings, data={"batch_size": 10})
    refused = warm.run(other, "fit", "-c", "exp.yaml", "--ckpt_path", ckpt)
    assert refused.status == 2
    assert "batch_size" in refused.output
