"""How far the measures of a search might move with other people."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_face_mars.metrics.ranking import QueryRanks
from lightning_face_mars.metrics.retrieval import query_measures

__all__ = ["bootstrap_intervals"]


def bootstrap_intervals(
    found: QueryRanks, identities: Tensor, draws: int = 1000, level: float = 0.95, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Estimate intervals by drawing people, with all their queries, with replacement.

    Queries of one person rise and fall together, so that drawing queries one by one would give
    intervals that are too narrow.

    Args:
        found: Ranks of the queries.
        identities: Who each query is about ``(queries,)``.
        draws: How often people are drawn, as many as there are.
        level: Share of the draws that lies within the interval.
        seed: Seed of the draws.

    Returns:
        Lower and upper end of each row of `RetrievalMetrics` but ``skipped``, in percent, not
        numbers if no query has a match.
    """
    rows = query_measures(found.with_match())
    if not len(rows["mAP"]):
        return dict.fromkeys(rows, (float("nan"), float("nan")))
    people, person = identities[found.matches > 0].cpu().unique(return_inverse=True)
    # measures of each person, and in the last column the number of queries
    values = torch.stack([*rows.values(), torch.ones_like(rows["mAP"])], dim=1).cpu()
    sums = values.new_zeros(len(people), values.shape[1]).index_add_(0, person, values)
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(len(people), (draws, len(people)), generator=generator)
    times = sums.new_zeros(draws, len(people))
    times.scatter_add_(1, drawn, torch.ones_like(drawn, dtype=times.dtype))
    totals = times @ sums
    outside = (1 - level) / 2
    ends = (totals[:, :-1] / totals[:, -1:]).quantile(
        torch.tensor([outside, 1 - outside], dtype=totals.dtype), dim=0
    )
    lower, upper = ends.tolist()
    return dict(zip(rows, zip(lower, upper, strict=True), strict=True))
