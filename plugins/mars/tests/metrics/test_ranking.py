"""Ranks of the right entries."""

from __future__ import annotations

import pytest
import torch

from lightning_face_mars.metrics import rank_queries, ranking


def test_a_ranking_by_hand():
    scores = torch.tensor([[0.1, 0.9, 0.5, 0.7], [0.4, 0.3, 0.2, 0.1]])
    found = rank_queries(scores, torch.tensor([7, 8]), torch.tensor([7, 8, 7, 9]))
    # 7 stands at ranks 3 and 4, 8 at rank 2
    assert found.first.tolist() == [3, 2]
    assert found.last.tolist() == [4, 2]
    assert found.matches.tolist() == [2, 1]
    torch.testing.assert_close(
        found.average_precision, torch.tensor([(1 / 3 + 2 / 4) / 2, 1 / 2]).double()
    )


@pytest.mark.parametrize("size", [20, 3000])
def test_equal_scores_keep_the_order_of_the_gallery(size):
    # an unstable sort is found out only where there are many
    gallery = torch.arange(size)
    found = rank_queries(torch.zeros(3, size), torch.tensor([0, 5, size - 1]), gallery)
    assert found.first.tolist() == [1, 6, size]


def test_a_query_without_a_match():
    found = rank_queries(torch.rand(2, 3), torch.tensor([0, 9]), torch.zeros(3))
    assert [column[1].item() for column in found] == [0, 0, 0, 0]
    assert len(found.with_match().first) == 1


def test_blocks_of_rows_change_nothing(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(23, 40, generator=generator)
    queries, gallery = (torch.randint(6, (n,), generator=generator) for n in (23, 40))
    whole = rank_queries(scores, queries, gallery)
    monkeypatch.setattr(ranking, "_BLOCK_ENTRIES", 100)
    for expected, actual in zip(whole, rank_queries(scores, queries, gallery), strict=True):
        torch.testing.assert_close(actual, expected, rtol=0, atol=0)


def test_no_query_at_all():
    found = rank_queries(torch.zeros(0, 4), torch.zeros(0), torch.arange(4))
    assert [len(column) for column in found] == [0] * 4


def test_sizes_must_go_together():
    with pytest.raises(ValueError, match=r"expected scores \(2, 3\)"):
        rank_queries(torch.zeros(2, 4), torch.zeros(2), torch.zeros(3))
