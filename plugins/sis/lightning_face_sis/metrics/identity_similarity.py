"""How alike the persons in pairs of pictures are to a recognition network."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics import Metric

__all__ = ["IdentitySimilarity"]


class IdentitySimilarity(Metric):
    """Mean cosine between the embeddings of pairs of faces.

    Args:
        recognition: Maps pictures ``(batch, 3, height, width)`` in [-1, 1] to embeddings;
            without one, `update` takes embeddings.

    Source:
        Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", section 4
        (verification by the cosine of two embeddings).
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    total: Tensor
    count: Tensor

    def __init__(self, recognition: nn.Module | None = None) -> None:
        super().__init__()
        self.recognition = recognition
        self.add_state(
            "total", default=torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="sum"
        )
        self.add_state("count", default=torch.tensor(0), dist_reduce_fx="sum")

    @torch.no_grad()
    def update(self, generated: Tensor, references: Tensor) -> None:
        """Add pairs.

        Args:
            generated: Synthesised pictures, or embeddings ``(batch, embedding_dim)``.
            references: Pictures of the persons they should show, or embeddings.
        """
        if self.recognition is not None:
            generated, references = self.recognition(generated), self.recognition(references)
        self.total += functional.cosine_similarity(generated, references).double().sum()
        self.count += len(generated)

    def compute(self) -> Tensor:
        """Return the mean of all pairs seen so far, on every process; nan before the first."""
        return (self.total / self.count).float()
