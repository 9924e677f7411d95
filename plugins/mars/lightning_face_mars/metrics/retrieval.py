"""The table of a search: how often and how early the right person is found."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics import Metric

from lightning_face_mars.metrics.ranking import QueryRanks, rank_queries

__all__ = ["RECALL_RANKS", "RetrievalMetrics", "query_measures"]

RECALL_RANKS = (1, 5, 10)


def query_measures(found: QueryRanks, ranks: Sequence[int] = RECALL_RANKS) -> dict[str, Tensor]:
    """Return what each query adds to the means of the table, in percent.

    Args:
        found: Ranks of the queries, of which each has a right entry.
        ranks: Ranks ``k`` of the recalls ``R@k``.

    Returns:
        ``R@k`` for each rank, their mean ``r_mean``, ``mAP`` and ``mINP``, each ``(queries,)``.

    Source:
        R@k and mAP: Ergasti et al., "MARS: Paying more attention to visual attributes for
        text-based person search", section 4. mINP: Ye et al., "Deep Learning for Person
        Re-Identification: A Survey and Outlook", section 4.1.
    """
    rows = {f"R@{rank}": 100.0 * (found.first <= rank).double() for rank in ranks}
    rows["r_mean"] = torch.stack(list(rows.values())).mean(dim=0)
    rows["mAP"] = 100 * found.average_precision
    rows["mINP"] = 100 * found.matches.double() / found.last
    return rows


class RetrievalMetrics(Metric):
    """Recall at some ranks, mean average precision and mean inverse negative penalty, in percent.

    Queries without any right entry in the gallery count in none of them; they are counted
    as ``skipped``.

    Args:
        ranks: Ranks ``k`` of the recalls ``R@k``.

    Source:
        See `query_measures`.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    totals: Tensor
    queries: Tensor
    skipped: Tensor

    def __init__(self, ranks: Sequence[int] = RECALL_RANKS) -> None:
        super().__init__()
        self.ranks = tuple(ranks)
        self.names = (*(f"R@{rank}" for rank in self.ranks), "r_mean", "mAP", "mINP")
        for name, size in {"totals": len(self.names), "queries": 1, "skipped": 1}.items():
            zero = torch.zeros(size, dtype=torch.float64)
            self.add_state(name, zero, dist_reduce_fx="sum")

    def update(self, scores: Tensor, query_identities: Tensor, gallery_identities: Tensor) -> None:
        """Add queries.

        Args:
            scores: Scores ``(queries, gallery)`` against the whole gallery, in its order.
            query_identities: Identities of the queries ``(queries,)``.
            gallery_identities: Identities of the gallery's entries ``(gallery,)``.

        Raises:
            ValueError: If the sizes do not go together.
        """
        found = rank_queries(scores, query_identities, gallery_identities)
        known = found.with_match()
        rows = query_measures(known, self.ranks)
        device = self.totals.device
        self.totals += torch.stack([row.sum() for row in rows.values()]).to(device)
        self.queries += len(known.first)
        self.skipped += len(found.first) - len(known.first)

    def compute(self) -> dict[str, Tensor]:
        """Return the rows of the table.

        Returns:
            ``R@k`` for each rank, their mean ``r_mean``, ``mAP`` and ``mINP`` in percent, not a
            number without a query; ``skipped`` is the number of queries without a match.
        """
        means = self.totals / self.queries
        return {**dict(zip(self.names, means, strict=True)), "skipped": self.skipped[0]}
