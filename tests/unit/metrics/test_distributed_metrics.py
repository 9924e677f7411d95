"""Metrics of two processes that share the pictures equal those of one process with all."""

from __future__ import annotations

import pytest
import torch
import torch.distributed as distributed
import torch.multiprocessing as multiprocessing

from lightning_face.metrics import (
    DISTS,
    LPIPS,
    SSIM,
    DISTSNetwork,
    FrechetDistance,
    LPIPSNetwork,
)


def values(parts: list[tuple[torch.Tensor, torch.Tensor]]) -> list[float]:
    torch.manual_seed(0)
    metrics = [
        FrechetDistance(torch.nn.Flatten(), 3 * 64),
        LPIPS(LPIPSNetwork()),
        DISTS(DISTSNetwork()),
        SSIM(),
    ]
    for images, references in parts:
        metrics[0].update(images[..., ::4, ::4], references[..., ::4, ::4])
        for metric in metrics[1:]:
            metric.update(images, references)
    return [float(metric.compute()) for metric in metrics]


def pairs() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(7, 3, 32, 32, generator=generator), torch.rand(
        7, 3, 32, 32, generator=generator
    )


def run(rank: int, split: int, rendezvous: str, queue: multiprocessing.SimpleQueue) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=2
    )
    mine = slice(0, split) if rank == 0 else slice(split, None)
    images, references = (x[mine] for x in pairs())
    parts = [(images, references)] if len(images) else []
    queue.put((rank, values(parts)))
    distributed.destroy_process_group()


@pytest.mark.distributed
@pytest.mark.parametrize("split", [4, 7], ids=["uneven", "one without pictures"])
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
    expected = values([pairs()])
    assert results[0] == pytest.approx(expected, rel=1e-5)
    assert results[1] == pytest.approx(expected, rel=1e-5)
