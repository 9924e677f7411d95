"""The loss of masked language modelling, with a teacher."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

__all__ = ["DistillAxis", "MaskedLanguageTerms", "masked_language_loss", "sequence_normalizer"]

DistillAxis = Literal["sequence", "vocab"]


class MaskedLanguageTerms(NamedTuple):
    """What hidden tokens give.

    Attributes:
        loss: Both terms, weighed by alpha.
        cross_entropy: Loss against the hidden tokens.
        distillation: Loss against the teacher.
    """

    loss: Tensor
    cross_entropy: Tensor
    distillation: Tensor


def masked_language_loss(
    logits: Tensor,
    teacher_logits: Tensor,
    targets: Tensor,
    alpha: float,
    normalizer: Tensor | None = None,
) -> MaskedLanguageTerms:
    """Guess hidden tokens, and agree with the teacher about them.

    Args:
        logits: Those of the hidden positions of a batch, one after another
            ``(positions, vocabulary)``.
        teacher_logits: The teacher's at the same positions.
        targets: The hidden tokens ``(positions,)``.
        alpha: Share of the teacher's term, in [0, 1].
        normalizer: Logarithm of what the student's probabilities are divided by in the teacher's
            term ``(positions, vocabulary)``, such as that of `sequence_normalizer`; the sum over
            the vocabulary if left out.

    Returns:
        The terms; 0 where no position is hidden.

    Source:
        J. Li et al., ALBEF, NeurIPS 2021, masked language modelling with momentum distillation.
    """
    logits = logits.float()
    if not len(targets):
        nothing = logits.sum()
        return MaskedLanguageTerms(nothing, nothing, nothing)
    if normalizer is None:
        normalizer = logits.logsumexp(dim=1, keepdim=True)
    guess = cross_entropy(logits, targets)
    opinion = teacher_logits.detach().float().softmax(dim=1)
    distillation = -(opinion * (logits - normalizer)).sum(dim=1).mean()
    loss = (1.0 - alpha) * guess + alpha * distillation
    return MaskedLanguageTerms(loss, guess, distillation)


def sequence_normalizer(logits: Tensor, selected: Tensor) -> Tensor:
    """Give the normalizer of the published code, which sums over the positions of a caption.

    Args:
        logits: Logits of every position of the padded captions ``(batch, length, vocabulary)``.
        selected: Hidden positions ``(batch, length)``.

    Returns:
        For every hidden position, in order ``(positions, vocabulary)``.
    """
    over_positions = torch.logsumexp(logits.float(), dim=1)
    return over_positions[selected.nonzero(as_tuple=True)[0]]
