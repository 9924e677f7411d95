"""Processes that something else started agree on one answer."""

from __future__ import annotations

import multiprocessing
import os
import socket

import pytest

from lightning_face.cli import ranks

LAUNCHERS = {
    "torchrun": [{"RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_RANK": "0"} for rank in range(2)],
    "one command a node": [{"NODE_RANK": str(rank)} for rank in range(2)],
    "srun": [
        {
            "SLURM_NTASKS": "2",
            "SLURM_NTASKS_PER_NODE": "2",
            "SLURM_PROCID": str(rank),
            "SLURM_LOCALID": str(rank),
            "SLURM_JOB_ID": str(os.getpid()),
            "SLURM_NODELIST": "127.0.0.1",
            "SLURM_JOB_NAME": "train",
        }
        for rank in range(2)
    ],
}


@pytest.fixture
def clean(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("SLURM_", "TORCHELASTIC_", "MASTER_")) or name in (
            "RANK",
            "LOCAL_RANK",
            "NODE_RANK",
            "GROUP_RANK",
            "WORLD_SIZE",
            ranks.VARIABLE,
        ):
            monkeypatch.delenv(name)
    yield monkeypatch
    os.environ.pop(ranks.VARIABLE, None)


def answer(rank, environment, results, everyone_has_read):
    os.environ.update(environment)
    agreement = ranks.agree(lambda: f"decided by {rank}", num_nodes=2)
    results.put((rank, agreement.answer, agreement.first))
    everyone_has_read.wait(60)


@pytest.mark.distributed
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_the_first_decides_for_all(clean, launcher):
    context = multiprocessing.get_context("fork")
    results, everyone_has_read = context.Queue(), context.Barrier(2)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = str(listener.getsockname()[1])
    # the last rank first: it has to wait for the one that decides
    workers = [
        context.Process(
            target=answer,
            args=(
                rank,
                {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, **environment},
                results,
                everyone_has_read,
            ),
        )
        for rank, environment in reversed(list(enumerate(LAUNCHERS[launcher])))
    ]
    for worker in workers:
        worker.start()
    answers = sorted(results.get(timeout=60) for _ in workers)
    for worker in workers:
        worker.join(60)
    assert answers == [(0, "decided by 0", True), (1, "decided by 0", False)]


def test_alone_there_is_nobody_to_ask(clean):
    agreement = ranks.agree(lambda: "mine", num_nodes=1)
    assert (agreement.answer, agreement.first, agreement.store) == ("mine", True, None)


def test_a_child_takes_what_its_parent_decided(clean):
    clean.setenv("LOCAL_RANK", "1")
    clean.setenv(ranks.VARIABLE, "my parent's")
    agreement = ranks.agree(lambda: "mine", num_nodes=1)
    assert (agreement.answer, agreement.first) == ("my parent's", False)


def test_what_an_earlier_run_left_in_the_environment_is_not_taken(clean):
    clean.setenv("LOCAL_RANK", "0")
    clean.setenv(ranks.VARIABLE, "an old one")
    assert ranks.agree(lambda: "mine", num_nodes=1).answer == "mine"
