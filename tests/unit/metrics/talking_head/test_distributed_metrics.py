"""Metrics of two processes that share the sequences equal those of one process with all."""

from __future__ import annotations

import pytest
import torch

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
from lightning_face.testing.processes import run_processes

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


def run(rank, split):
    mine = slice(0, split) if rank == 0 else slice(split, None)
    return values(sequences()[mine])


@pytest.mark.distributed
@pytest.mark.parametrize("split", [1, 3], ids=["uneven", "one without sequences"])
def test_two_processes_agree_with_one(split):
    results = run_processes(run, split)
    expected = values(sequences())
    for found in results:
        assert found == pytest.approx(expected, rel=1e-5)
