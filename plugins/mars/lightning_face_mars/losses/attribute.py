"""The attribute loss: each pair of adjective and noun is judged on its own."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

__all__ = ["AttributeNegatives", "AttributeTerms", "attribute_loss", "drop_shared_attributes"]

AttributeNegatives = Literal["all", "identity"]


class AttributeTerms(NamedTuple):
    """What the attributes of a batch give.

    Attributes:
        loss: Mean over the sequences that have an attribute; 0 where none has.
        share: Share of sequences that have one.
    """

    loss: Tensor
    share: Tensor


def attribute_loss(token_logits: Tensor, masks: Tensor, labels: Tensor) -> AttributeTerms:
    """Judge the attributes of sequences.

    The published code gives the mean hidden state of an attribute to the matching head; the head
    is linear, so that the mean of its outputs is the same and needs no mean states.

    Args:
        token_logits: Those of the matching head for every position ``(sequences, length, 2)``.
        masks: 0, or the number of the attribute that a position belongs to
            ``(sequences, length)``. Numbers without a position are skipped.
        labels: 1 where the picture is that of the text, else 0 ``(sequences,)``.

    Returns:
        Cross entropy averaged over the attributes of a sequence, then over sequences.

    Source:
        A. Ergasti et al., MARS, TOMM 2025 (arXiv 2407.04287), attribute loss.
    """
    places = _places(masks)
    counts = places.sum(dim=2)
    sums = torch.einsum("skl,slc->skc", places, token_logits.float())
    means = sums / counts.clamp(min=1)[:, :, None]
    targets = labels[:, None].expand_as(counts)
    losses = cross_entropy(means.flatten(0, 1), targets.flatten(), reduction="none")
    present = counts > 0
    per_sequence = (losses.view_as(counts) * present).sum(dim=1) / present.sum(dim=1).clamp(min=1)
    having = present.any(dim=1)
    loss = per_sequence.sum() / having.sum().clamp(min=1)
    return AttributeTerms(loss, having.float().mean())


def drop_shared_attributes(
    masks: Tensor, input_ids: Tensor, text_of: Tensor, shown_in: Tensor, identities: Tensor
) -> Tensor:
    """Take out the attributes of wrong captions that a caption of the shown person has too.

    A picture that is paired with the caption of somebody else may well show one of its
    attributes; it is known to, where a caption of the same person in the batch says so.

    Args:
        masks: Masks of the captions of the batch ``(batch, length)``.
        input_ids: Their tokens ``(batch, length)``.
        text_of: Place of the caption of each wrong pair ``(pairs,)``.
        shown_in: Place of the picture of each wrong pair ``(pairs,)``.
        identities: Whose the samples of the batch are ``(batch,)``.

    Returns:
        Masks of the wrong pairs ``(pairs, length)``.
    """
    places = _places(masks).long()
    # an attribute is known by its tokens, whatever their positions
    words = (places * (input_ids[:, None] + 1)).sort(dim=2, descending=True).values
    equal = (words[:, :, None, None] == words[None, None]).all(dim=4)
    equal &= words.any(dim=2)[:, :, None, None]
    same_person = identities[:, None] == identities[None]
    # (pair, attribute, caption of the batch): is the caption one of the shown person?
    told = (equal.any(dim=3)[text_of] & same_person[shown_in][:, None]).any(dim=2)
    shared = (places[text_of] * told[:, :, None]).any(dim=1)
    return masks[text_of].masked_fill(shared, 0)


def _places(masks: Tensor) -> Tensor:
    """Mark the positions of each attribute ``(sequences, attributes, length)``."""
    most = int(masks.max()) if masks.numel() else 0
    numbers = torch.arange(1, max(most, 1) + 1, device=masks.device)
    return (masks[:, None] == numbers[None, :, None]).float()
