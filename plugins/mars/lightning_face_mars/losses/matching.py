"""The matching loss, and the wrong pairs it is computed on."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

__all__ = ["draw_negatives", "matching_loss", "negative_weights"]


def negative_weights(logits: Tensor, identities: Tensor) -> Tensor:
    """Weigh what could be confused with each anchor.

    Args:
        logits: Similarities over the temperature ``(batch, batch)``; rows are anchors.
        identities: Whose the samples are ``(batch,)``.

    Returns:
        Weights of a draw ``(batch, batch)``, 0 where both are of the same person; rows do not
        sum to 1.
    """
    same = identities[:, None] == identities[None]
    return logits.detach().float().softmax(dim=1).masked_fill(same, 0.0)


def draw_negatives(weights: Tensor) -> Tensor:
    """Draw one wrong partner for each anchor.

    Args:
        weights: Those of `negative_weights` ``(batch, batch)``.

    Returns:
        Places in the batch ``(batch,)``. For a row without weight, which belongs to a batch of one
        person, it is any place: see `matching_loss`.
    """
    # of what is no number too, which then reaches the loss, where a run can name its files
    nobody = ~(weights.sum(dim=1, keepdim=True) > 0)
    return torch.multinomial(weights.masked_fill(nobody, 1.0), 1).squeeze(1)


def matching_loss(logits: Tensor, labels: Tensor, valid: Tensor) -> Tensor:
    """Tell pairs that belong together from pairs that do not.

    Args:
        logits: Those of the matching head ``(pairs, 2)``.
        labels: 1 for a true pair, 0 for a wrong one ``(pairs,)``.
        valid: False for pairs that are left out, since there was no wrong partner to draw
            ``(pairs,)``.

    Returns:
        Mean cross entropy of the valid pairs, of which there is one at least.

    Source:
        Y. Bai et al., RaSa, IJCAI 2023 (arXiv 2305.13653), probabilistic image-text matching.
    """
    losses = cross_entropy(logits.float(), labels, reduction="none")
    return (losses * valid).sum() / valid.sum()
