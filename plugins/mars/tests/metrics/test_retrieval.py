"""The table of a search."""

from __future__ import annotations

import math

import pytest
import torch

from lightning_face.testing.processes import run_processes
from lightning_face_mars.metrics import RetrievalMetrics

GALLERY = torch.arange(40) % 7


def queries(rows):
    """Scores and identities of some queries, each made from its number."""
    drawn = [torch.randn(40, generator=torch.Generator().manual_seed(row)) for row in rows]
    # the last identity is in no picture
    return torch.stack(drawn), torch.tensor([row % 8 for row in rows])


def plainly_measured(rows):
    """The definitions, word by word."""
    hits, precisions, penalties, skipped = {1: 0, 5: 0, 10: 0}, [], [], 0
    for scores, identity in zip(*queries(rows), strict=True):
        order = sorted(range(40), key=lambda place: (-scores[place].item(), place))
        ranks = [rank for rank, place in enumerate(order, 1) if GALLERY[place] == identity]
        if not ranks:
            skipped += 1
            continue
        for limit in hits:
            hits[limit] += ranks[0] <= limit
        precisions.append(sum((n + 1) / rank for n, rank in enumerate(ranks)) / len(ranks))
        penalties.append(len(ranks) / ranks[-1])
    count = len(precisions)
    recalls = {f"R@{limit}": 100 * found / count for limit, found in hits.items()}
    return {
        **recalls,
        "r_mean": sum(recalls.values()) / 3,
        "mAP": 100 * sum(precisions) / count,
        "mINP": 100 * sum(penalties) / count,
        "skipped": float(skipped),
    }


def measured(rows, batch=4):
    metric = RetrievalMetrics()
    for start in range(0, len(rows), batch):
        metric.update(*queries(rows[start : start + batch]), GALLERY)
    return {name: value.item() for name, value in metric.compute().items()}


def test_the_definitions():
    rows = [*range(30)]
    assert measured(rows) == pytest.approx(plainly_measured(rows))


def test_other_ranks():
    metric = RetrievalMetrics(ranks=(2, 20))
    metric.update(*queries([*range(8)]), GALLERY)
    rows = metric.compute()
    assert [*rows] == ["R@2", "R@20", "r_mean", "mAP", "mINP", "skipped"]
    assert rows["R@2"] < rows["R@20"]


@pytest.mark.filterwarnings("ignore:The ``compute`` method of metric:UserWarning")
def test_nothing_is_known_before_the_first():
    rows = RetrievalMetrics().compute()
    assert rows.pop("skipped") == 0
    assert all(math.isnan(value) for value in rows.values())


def share(rank):
    return measured([*range(rank, 30, 2)])


@pytest.mark.distributed
def test_two_processes_agree_with_one():
    alone = measured([*range(30)])
    for results in run_processes(share):
        assert results == pytest.approx(alone)
