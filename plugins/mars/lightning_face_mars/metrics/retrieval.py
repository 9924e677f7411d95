"""The table of a search: how often and how early the right person is found."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics import Metric

from lightning_face_mars.metrics.ranking import QueryRanks, rank_queries

__all__ = ["RetrievalMetrics"]


class RetrievalMetrics(Metric):
    """Recall at some ranks, mean average precision and mean inverse negative penalty, in percent.

    Queries without any right entry in the gallery count in none of them; they are counted
    as ``skipped``.

    Args:
        ranks: Ranks ``k`` of the recalls ``R@k``.

    Source:
        R@k and mAP: Ergasti et al., "MARS: Paying more attention to visual attributes for
        text-based person search", section 4. mINP: Ye et al., "Deep Learning for Person
        Re-Identification: A Survey and Outlook", section 4.1.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    hits: Tensor
    precision: Tensor
    penalty: Tensor
    queries: Tensor
    skipped: Tensor

    def __init__(self, ranks: Sequence[int] = (1, 5, 10)) -> None:
        super().__init__()
        self.ranks = tuple(ranks)
        sizes = {"hits": len(self.ranks), "precision": 1, "penalty": 1, "queries": 1, "skipped": 1}
        for name, size in sizes.items():
            zero = torch.zeros(size, dtype=torch.float64)
            self.add_state(name, zero, dist_reduce_fx="sum")

    def update(
        self, scores: Tensor, query_identities: Tensor, gallery_identities: Tensor
    ) -> QueryRanks:
        """Add queries.

        Args:
            scores: Scores ``(queries, gallery)`` against the whole gallery, in its order.
            query_identities: Identities of the queries ``(queries,)``.
            gallery_identities: Identities of the gallery's entries ``(gallery,)``.

        Returns:
            The ranks of these queries.

        Raises:
            ValueError: If the sizes do not go together.
        """
        found = rank_queries(scores, query_identities, gallery_identities)
        self.add_ranks(found)
        return found

    def add_ranks(self, found: QueryRanks) -> None:
        """Add queries that are ranked already.

        Args:
            found: Their ranks.
        """
        known = found.matches > 0
        first, last = found.first[known], found.last[known]
        limits = torch.tensor(self.ranks, device=first.device)
        device = self.hits.device
        self.hits += (first[:, None] <= limits).sum(dim=0).to(device)
        self.precision += found.average_precision[known].sum().to(device)
        self.penalty += (found.matches[known].double() / last).sum().to(device)
        self.queries += known.sum().to(device)
        self.skipped += (~known).sum().to(device)

    def compute(self) -> dict[str, Tensor]:
        """Return the rows of the table.

        Returns:
            ``R@k`` for each rank, their mean ``r_mean``, ``mAP`` and ``mINP`` in percent, not a
            number before the first query; ``skipped`` is the number of queries without a match.
        """
        share = 100 / self.queries
        recalls = self.hits * share
        rows = {f"R@{rank}": value for rank, value in zip(self.ranks, recalls, strict=True)}
        rows["r_mean"] = recalls.mean()
        rows["mAP"] = (self.precision * share)[0]
        rows["mINP"] = (self.penalty * share)[0]
        rows["skipped"] = self.skipped[0]
        return rows
