"""Metrics of two processes that share the sequences equal those of one process with all."""

from __future__ import annotations

import pytest
import torch
import torch.distributed as distributed
import torch.multiprocessing as multiprocessing

from lightning_face.metrics.talking_head import (
    ChamferDistance,
    HausdorffDistance,
    LipDiscreteFrechetDistance,
    LipDynamicTimeWarping,
    LipVelocity,
    LipVertexError,
    MeanVertexError,
    MouthOpening,
    UpperFaceDynamicsDeviation,
    VarifoldDistance,
)

LIPS, UPPER, LOWER = torch.tensor([0, 2, 3]), torch.tensor([0, 2]), torch.tensor([3])
FACES = torch.tensor([[0, 1, 2], [1, 2, 3], [2, 3, 4]])


def sequences():
    """Three sequences of different length."""
    generator = torch.Generator().manual_seed(0)
    return [
        tuple(torch.randn(frames, 5, 3, generator=generator) for _ in range(2))
        for frames in (2, 5, 3)
    ]


def values(parts):
    """Compute every metric over these sequences."""
    template = torch.zeros(5, 3)
    metrics = [
        (MeanVertexError(), ()),
        (LipVertexError(), (LIPS,)),
        (UpperFaceDynamicsDeviation(), (template, UPPER)),
        (LipDynamicTimeWarping(), (LIPS,)),
        (LipDiscreteFrechetDistance(), (LIPS,)),
        (MouthOpening(), (UPPER, LOWER)),
        (LipVelocity(), (LIPS, 30)),
        (ChamferDistance(), ()),
        (HausdorffDistance(), ()),
        (VarifoldDistance((0.5,)), (FACES, FACES)),
    ]
    found = []
    for metric, arguments in metrics:
        for pred, target in parts:
            metric.update(pred, target, *arguments)
        value = metric.compute()
        found += [*value.values()] if isinstance(value, dict) else [value]
    return [each.item() for each in found]


def run(rank, split, rendezvous, queue):
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=2
    )
    mine = slice(0, split) if rank == 0 else slice(split, None)
    queue.put((rank, values(sequences()[mine])))
    distributed.destroy_process_group()


@pytest.mark.distributed
@pytest.mark.parametrize("split", [1, 3], ids=["uneven", "one without sequences"])
def test_two_processes_agree_with_one(tmp_path, split):
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    workers = [
        context.Process(target=run, args=(rank, split, str(tmp_path / "rendezvous"), queue))
        for rank in range(2)
    ]
    for worker in workers:
        worker.start()
    results = dict(queue.get() for _ in workers)
    for worker in workers:
        worker.join()
    expected = values(sequences())
    assert results[0] == pytest.approx(expected, rel=1e-5)
    assert results[1] == pytest.approx(expected, rel=1e-5)
