"""Weighted sums of rows at fixed places: sparse constant matrices in the form networks use."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

__all__ = ["GatherTable", "gather_sum", "gather_table"]


@dataclass(frozen=True)
class GatherTable:
    """A sparse matrix ``(targets, sources)`` by rows, and the same one by columns.

    Attributes:
        sources: Column of each entry, row by row.
        offsets: First entry of each row, and the number of entries ``(targets + 1,)``.
        weights: Value of each entry.
        targets: Row of each entry, column by column.
        target_offsets: First entry of each column, and the number of entries ``(sources + 1,)``.
        target_weights: Value of each entry, column by column.
    """

    sources: Tensor
    offsets: Tensor
    weights: Tensor
    targets: Tensor
    target_offsets: Tensor
    target_weights: Tensor

    def to(self, device: torch.device, dtype: torch.dtype) -> GatherTable:
        """Return the table on a device, with weights of a type."""
        moved = (getattr(self, each.name) for each in fields(self))
        return GatherTable(
            *(each.to(device, dtype if each.is_floating_point() else None) for each in moved)
        )

    def transposed(self) -> GatherTable:
        """Return the table of the transposed matrix."""
        return GatherTable(
            self.targets,
            self.target_offsets,
            self.target_weights,
            self.sources,
            self.offsets,
            self.weights,
        )


def gather_table(
    targets: NDArray[np.integer],
    sources: NDArray[np.integer],
    weights: NDArray[np.floating],
    num_targets: int,
    num_sources: int,
) -> GatherTable:
    """Make the table of a sparse matrix; entries of 0 are left out.

    Args:
        targets: Row of each entry ``(entries,)``.
        sources: Column of each entry ``(entries,)``.
        weights: Value of each entry ``(entries,)``.
        num_targets: Rows.
        num_sources: Columns.
    """
    kept = weights != 0
    targets, sources, weights = targets[kept], sources[kept], weights[kept]

    def by(
        first: NDArray[np.integer], second: NDArray[np.integer], count: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        order = np.argsort(first, kind="stable")
        offsets = np.searchsorted(first[order], np.arange(count + 1))
        return (
            torch.from_numpy(second[order].astype(np.int64)),
            torch.from_numpy(offsets.astype(np.int64)),
            torch.from_numpy(weights[order]),
        )

    return GatherTable(*by(targets, sources, num_targets), *by(sources, targets, num_sources))


def gather_sum(values: Tensor, table: GatherTable) -> Tensor:
    """Multiply a matrix by a table.

    The gradient is the product with the transposed table, thus the same in every run, on every
    device, which that of a plain gather is not.

    Args:
        values: Matrix ``(sources, channels)``.
        table: The sparse matrix.

    Returns:
        Product ``(targets, channels)``.
    """
    if not (torch.is_grad_enabled() and values.requires_grad):
        return _product(values, table)
    product: Tensor = _GatherSum.apply(values, table)
    return product


def _product(values: Tensor, table: GatherTable) -> Tensor:
    return F.embedding_bag(
        table.sources,
        values.to(table.weights.dtype),
        table.offsets,
        mode="sum",
        per_sample_weights=table.weights,
        include_last_offset=True,
    )


class _GatherSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, table: GatherTable) -> Tensor:  # noqa: ANN401
        ctx.table = table
        return _product(values, table)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        return gather_sum(gradient.contiguous(), ctx.table.transposed()), None
