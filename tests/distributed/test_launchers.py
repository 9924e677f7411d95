"""One configuration on two processes, started by Lightning and by torchrun on two nodes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from lightning_face.checkpoint import load_checkpoint

pytestmark = pytest.mark.distributed

TOY = Path(__file__).parents[1] / "resume" / "toy"

EXPERIMENT = {
    "seed_everything": 5,
    "model": "toy",
    "data": "toy",
    "trainer": {
        "accelerator": "cpu",
        "strategy": "ddp",
        "max_epochs": 2,
        "log_every_n_steps": 1,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "logger": False,
        "callbacks": ["toy-witness", {"class_path": "ema", "init_args": {"decay": 0.9}}],
    },
}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(TOY), os.environ.get("PYTHONPATH", "")]),
            "LIGHTNING_FACE_CACHE": str(folder / "cache"),
            "OMP_NUM_THREADS": "1",
            "GLOO_SOCKET_IFNAME": "lo",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(*processes: subprocess.Popen[str]) -> None:
    outputs = [process.communicate(timeout=300)[0] for process in processes]
    for process, output in zip(processes, outputs, strict=True):
        assert process.returncode == 0, output


def by_lightning(folder: Path) -> None:
    finish(start(folder, "lightning_face", "fit", "-c", "exp.yaml", "--trainer.devices", "2"))


def by_torchrun(folder: Path) -> None:
    port = str(free_port())
    nodes = [
        start(
            folder,
            "torch.distributed.run",
            "--nnodes=2",
            "--nproc_per_node=1",
            f"--node_rank={rank}",
            "--master_addr=127.0.0.1",
            f"--master_port={port}",
            "-m",
            "lightning_face",
            "fit",
            "-c",
            "exp.yaml",
            "--trainer.devices=1",
            "--trainer.num_nodes=2",
        )
        for rank in range(2)
    ]
    finish(*nodes)


LAUNCHERS = {"ddp": by_lightning, "two nodes": by_torchrun}


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, Path]:
    """The run folder of a training on two processes, by launcher."""
    folders = {}
    for name, launch in LAUNCHERS.items():
        folder = tmp_path_factory.mktemp(launch.__name__)
        (folder / "exp.yaml").write_text(yaml.safe_dump(EXPERIMENT))
        launch(folder)
        (folders[name],) = (folder / "runs" / "exp").iterdir()
    return folders


@pytest.fixture(params=LAUNCHERS)
def run(runs, request) -> Path:
    return runs[request.param]


def witness(run: Path, rank: int) -> dict:
    """What a process had at the end."""
    return torch.load(run / f"witness-{rank}.pt", weights_only=True)


@pytest.fixture
def witnesses(run) -> list[dict]:
    return [witness(run, rank) for rank in range(2)]


def test_weights_are_equal_on_all_processes(witnesses):
    one, two = (witness["weights"] for witness in witnesses)
    # DDP leaves the buffers of batch norm to the processes until the next forward pass
    parameters = [name for name in one if "running" not in name]
    assert len(parameters) > 4
    for name in parameters:
        assert torch.equal(one[name], two[name]), name


def test_metrics_are_reduced_over_all_processes(witnesses):
    one, two = (witness["metrics"] for witness in witnesses)
    assert one["val/loss"] == two["val/loss"]
    assert one["val/count"] == two["val/count"] == 13


def test_every_process_draws_its_own_noise(witnesses):
    assert not torch.equal(witnesses[0]["noise"], witnesses[1]["noise"])


def test_one_process_writes(run):
    names = {path.name for path in run.iterdir()}
    assert {"config.yaml", "metrics.csv", "checkpoints", "report.html"} <= names
    steps = [row.split(",")[0] for row in (run / "metrics.csv").read_text().splitlines()[1:]]
    assert steps == [str(step) for step in range(6)]


def test_the_checkpoint_holds_the_random_states_of_all(run):
    saved = load_checkpoint(run / "checkpoints" / "last.ckpt")
    one, two = saved["random_states"]
    assert not torch.equal(one["torch"], two["torch"])
    assert saved["global_step"] == 6


def test_launchers_agree(runs):
    one, two = (witness(run, 0)["weights"] for run in runs.values())
    for name in one:
        assert torch.equal(one[name], two[name]), name
