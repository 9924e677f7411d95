"""Where the right images stand in the ranking of each query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["QueryRanks", "rank_queries", "row_blocks"]

_BLOCK_ENTRIES = 1 << 23


class QueryRanks(NamedTuple):
    """What the metrics of retrieval are made of, one value a query.

    Attributes:
        first: Rank of the first right entry ``(queries,)``, from 1; 0 without any.
        last: Rank of the last right entry, from 1; 0 without any.
        matches: Number of right entries in the gallery.
        average_precision: Mean precision at the ranks of the right entries, 0..1.
    """

    first: Tensor
    last: Tensor
    matches: Tensor
    average_precision: Tensor

    def with_match(self) -> QueryRanks:
        """Return the queries that have a right entry in the gallery."""
        known = self.matches > 0
        return QueryRanks(*(column[known] for column in self))


def row_blocks(rows: int, columns: int) -> Iterator[slice]:
    """Cut a matrix into blocks of rows of some tens of megabytes.

    Args:
        rows: Rows of the matrix.
        columns: Its columns.
    """
    height = max(1, _BLOCK_ENTRIES // max(1, columns))
    for start in range(0, rows, height):
        yield slice(start, min(rows, start + height))


def rank_queries(
    scores: Tensor, query_identities: Tensor, gallery_identities: Tensor
) -> QueryRanks:
    """Rank the gallery for each query by falling scores; equal scores keep the gallery's order.

    Args:
        scores: Scores ``(queries, gallery)``, the higher the better.
        query_identities: Identities of the queries ``(queries,)``.
        gallery_identities: Identities of the gallery's entries ``(gallery,)``.

    Returns:
        Ranks, for each query.

    Raises:
        ValueError: If the sizes do not go together.

    Source:
        Ergasti et al., "MARS: Paying more attention to visual attributes for text-based person
        search", section 4; the average precision runs over the whole gallery.
    """
    expected = len(query_identities), len(gallery_identities)
    if tuple(scores.shape) != expected:
        msg = f"expected scores {expected} for the identities, got {tuple(scores.shape)}"
        raise ValueError(msg)
    parts = [
        _rank_block(scores[rows], query_identities[rows], gallery_identities)
        for rows in row_blocks(*expected)
    ]
    if not parts:
        none = scores.new_zeros(0, dtype=torch.int64)
        return QueryRanks(none, none, none, none.double())
    return QueryRanks(*(torch.cat(column) for column in zip(*parts, strict=True)))


def _rank_block(scores: Tensor, queries: Tensor, gallery: Tensor) -> QueryRanks:
    order = torch.sort(scores, dim=1, descending=True, stable=True).indices
    right = gallery[order] == queries[:, None]
    matches = right.sum(dim=1)
    # most entries are wrong: only the right ones are looked at further
    rows, places = right.nonzero(as_tuple=True)
    ends = matches.cumsum(0)
    begins = ends - matches
    number = torch.arange(1, len(rows) + 1, device=rows.device) - begins[rows]
    precision = number.double() / (places + 1)
    total = torch.zeros(len(queries), dtype=torch.float64, device=scores.device)
    total.index_add_(0, rows, precision)
    found = matches > 0
    first, last = torch.zeros_like(matches), torch.zeros_like(matches)
    first[found] = places[begins[found]] + 1
    last[found] = places[ends[found] - 1] + 1
    return QueryRanks(first, last, matches, total / matches.clamp(min=1))
