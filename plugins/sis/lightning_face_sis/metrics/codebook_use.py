"""How much of its codebook an autoencoder uses."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric

__all__ = ["CodebookUse"]


class CodebookUse(Metric):
    """Share of the codes that are used at all, and the perplexity of their use.

    The perplexity is the number of codes that, used equally often, would have the same entropy.

    Args:
        num_embeddings: Number of codes.

    Source:
        van den Oord et al., "Neural Discrete Representation Learning" (arXiv 1711.00937).
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    counts: Tensor

    def __init__(self, num_embeddings: int) -> None:
        super().__init__()
        counts = torch.zeros(num_embeddings, dtype=torch.int64)
        self.add_state("counts", default=counts, dist_reduce_fx="sum")

    @torch.no_grad()
    def update(self, indices: Tensor) -> None:
        """Add pictures.

        Args:
            indices: Codes of all places of the latents, integers of any shape.
        """
        self.counts += torch.bincount(indices.flatten(), minlength=len(self.counts))

    def compute(self) -> dict[str, Tensor]:
        """Return ``codes_used`` in [0, 1] and ``perplexity``, over all processes."""
        shares = self.counts.double() / self.counts.sum()
        entropy = -torch.xlogy(shares, shares).sum()
        used = (self.counts > 0).double().mean()
        return {"codes_used": used.float(), "perplexity": entropy.exp().float()}
