"""Several processes share one run folder, whoever started them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.distributed

NEUTRAL = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def environment(toy: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**kept, **NEUTRAL, "PYTHONPATH": str(toy)}


def only_run(folder: Path) -> Path:
    (run,) = (folder / "runs" / "exp").iterdir()
    assert {path.name for path in run.glob("traceback*")} == set()
    assert len((run / "command.txt").read_text().splitlines()) == 1
    assert (run / "checkpoints" / "last.ckpt").is_file()
    assert (run / "report.html").is_file()
    return run


def test_processes_started_by_lightning(toy, experiment, tmp_path):
    words = ["fit", "-c", experiment, "--trainer.strategy=ddp", "--trainer.devices=2"]
    result = subprocess.run(
        [sys.executable, "-m", "lightning_face", *words],
        cwd=tmp_path,
        env=environment(toy),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    only_run(tmp_path)
    assert result.stdout.count("\nrun  ") == 1


def test_two_nodes_started_by_torchrun(toy, experiment, tmp_path):
    port = free_port()
    nodes = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
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
                str(experiment),
                "--trainer.strategy=ddp",
                "--trainer.devices=1",
                "--trainer.num_nodes=2",
            ],
            cwd=tmp_path,
            env=environment(toy),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        outputs = [node.communicate(timeout=300)[0] for node in nodes]
    finally:
        for node in nodes:
            node.kill()
    assert [node.returncode for node in nodes] == [0, 0], "\n".join(outputs)
    only_run(tmp_path)
    assert sum(output.count("\nrun  ") for output in outputs) == 1
