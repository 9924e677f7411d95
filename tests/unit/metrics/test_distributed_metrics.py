"""Metrics of two processes that share the pictures equal those of one process with all."""

from __future__ import annotations

import pytest
import torch

from lightning_face.metrics import (
    DISTS,
    LPIPS,
    SSIM,
    DISTSNetwork,
    FrechetDistance,
    LPIPSNetwork,
)
from lightning_face.testing.processes import run_processes


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


def run(rank: int, split: int):
    mine = slice(0, split) if rank == 0 else slice(split, None)
    images, references = (x[mine] for x in pairs())
    parts = [(images, references)] if len(images) else []
    return values(parts)


@pytest.mark.distributed
@pytest.mark.parametrize("split", [4, 7], ids=["uneven", "one without pictures"])
def test_two_processes_agree_with_one(split):
    results = run_processes(run, split)
    expected = values([pairs()])
    for found in results:
        assert found == pytest.approx(expected, rel=1e-5)
