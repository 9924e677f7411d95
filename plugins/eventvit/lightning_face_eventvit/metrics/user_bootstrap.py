"""How far the accuracy may be off, given that only so many people were tested."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

__all__ = ["UserBootstrap"]


class UserBootstrap(Metric):
    """Confidence interval of the accuracy by drawing people, not clips, with replacement.

    Clips of one person are alike, so that an interval over clips would be too narrow.

    Args:
        confidence: Probability that the interval is to cover.
        draws: Number of resampled sets of people.
        seed: Seed of the draws; the same clips give the same interval in any order.
    """

    is_differentiable = False
    higher_is_better = None
    full_state_update = False

    users: list[Tensor]
    correct: list[Tensor]

    def __init__(
        self,
        confidence: float = 0.95,
        draws: int = 2000,
        seed: int = 0,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(**kwargs)
        self.confidence = confidence
        self.draws = draws
        self.seed = seed
        self.add_state("users", default=[], dist_reduce_fx="cat")
        self.add_state("correct", default=[], dist_reduce_fx="cat")

    def update(self, logits: Tensor, labels: Tensor, users: Sequence[str]) -> None:
        """Add clips.

        Args:
            logits: Class scores ``(batch, scores)``.
            labels: Class of each clip ``(batch,)``.
            users: Name of the person in each clip.
        """
        self.users.append(torch.tensor([_number(user) for user in users], device=labels.device))
        self.correct.append(logits.argmax(dim=-1) == labels)

    def compute(self) -> tuple[Tensor, Tensor]:
        """Return the lower and the upper end of the interval, both the accuracy of one person."""
        users, correct = dim_zero_cat(self.users), dim_zero_cat(self.correct)
        _, person = users.unique(return_inverse=True)
        clips = torch.bincount(person).double()
        hits = torch.bincount(person, weights=correct.double())
        generator = torch.Generator().manual_seed(self.seed)
        drawn = torch.randint(len(clips), (self.draws, len(clips)), generator=generator)
        drawn = drawn.to(clips.device)
        accuracies = hits[drawn].sum(dim=1) / clips[drawn].sum(dim=1)
        tail = (1 - self.confidence) / 2
        low, high = accuracies.quantile(accuracies.new_tensor([tail, 1 - tail]))
        return low.float(), high.float()


def _number(user: str) -> int:
    """Turn a name into a number that other processes give it too."""
    digest = hashlib.blake2b(user.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)
