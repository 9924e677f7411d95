"""Whether an edit of some parts of pictures leaves the rest alone."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric

__all__ = ["SwapLocality"]


class SwapLocality(Metric):
    """Mean absolute change of colours in [-1, 1] inside and outside the edited parts.

    Every picture counts alike, however large its parts are; one without edited pixels counts on
    neither side.
    """

    is_differentiable = False
    full_state_update = False
    sums: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("sums", torch.zeros(2, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    @torch.no_grad()
    def update(self, before: Tensor, after: Tensor, parts: Tensor) -> None:
        """Add pictures.

        Args:
            before: Pictures in [-1, 1] ``(batch, 3, height, width)``.
            after: The same, edited.
            parts: Pixels of the edited parts ``(batch, 1, height, width)``, 0 or 1.
        """
        change = (after.float() - before.float()).abs().mean(dim=1, keepdim=True).flatten(1)
        inside = parts.to(change).flatten(1)
        sizes = torch.stack([inside.sum(dim=1), (1 - inside).sum(dim=1)])
        sums = torch.stack([(change * inside).sum(dim=1), (change * (1 - inside)).sum(dim=1)])
        counted = (sizes > 0).all(dim=0)
        self.sums += (sums / sizes)[:, counted].double().sum(dim=1)
        self.count += counted.sum()

    def compute(self) -> dict[str, Tensor]:
        """Return ``swap_inside`` and ``swap_outside``, undefined without a picture."""
        means = (self.sums / self.count).float()
        return dict(zip(("swap_inside", "swap_outside"), means, strict=True))
