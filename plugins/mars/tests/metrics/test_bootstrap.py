"""Intervals of the table."""

from __future__ import annotations

import math

import torch

from lightning_face_mars.metrics import RetrievalMetrics, bootstrap_intervals, rank_queries


def searched(people, queries_each, seed=0):
    generator = torch.Generator().manual_seed(seed)
    identities = torch.arange(people).repeat_interleave(queries_each)
    # all queries of a person score alike
    scores = torch.randn(people, people, generator=generator) + 2 * torch.eye(people)
    return rank_queries(scores[identities], identities, torch.arange(people)), identities


def test_the_measure_lies_within():
    found, identities = searched(60, 2)
    metric = RetrievalMetrics()
    metric.update(torch.eye(2), torch.arange(2), torch.arange(2))
    ends = bootstrap_intervals(found, identities)
    assert [*ends] == [name for name in metric.compute() if name != "skipped"]
    value = 100 * found.average_precision.mean().item()
    assert ends["mAP"][0] < value < ends["mAP"][1]


def test_more_people_make_it_narrower_and_more_captions_of_them_do_not():
    def width(people, queries_each):
        low, high = bootstrap_intervals(*searched(people, queries_each))["mAP"]
        return high - low

    few, more_captions, more_people = width(30, 1), width(30, 8), width(240, 1)
    assert abs(more_captions - few) < 0.05 * few
    assert more_people < 0.6 * few


def test_it_is_the_same_every_time():
    assert bootstrap_intervals(*searched(20, 2)) == bootstrap_intervals(*searched(20, 2))


def test_queries_without_a_match_do_not_count():
    found, identities = searched(20, 1)
    scores = torch.zeros(1, 20)
    lost = rank_queries(scores, torch.tensor([99]), torch.arange(20))
    both = type(found)(*(torch.cat(pair) for pair in zip(found, lost, strict=True)))
    with_lost = bootstrap_intervals(both, torch.cat([identities, torch.tensor([99])]))
    assert with_lost == bootstrap_intervals(found, identities)
    nothing = bootstrap_intervals(lost, torch.tensor([99]))
    assert all(math.isnan(end) for ends in nothing.values() for end in ends)
