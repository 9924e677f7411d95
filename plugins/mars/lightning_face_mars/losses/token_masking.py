"""Tokens that are hidden from the network, and tokens that are replaced."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["MaskingDraws", "SpecialTokens", "draw_masking", "mask_tokens", "replace_tokens"]

_IGNORED = -100
_HIDDEN = 0.8
_RANDOM = 0.5


class SpecialTokens(NamedTuple):
    """Numbers of the tokens with a meaning of their own; the defaults are those of BERT."""

    pad: int = 0
    cls: int = 101
    mask: int = 103


class MaskingDraws(NamedTuple):
    """Random draws behind a masking, each ``(batch, length)``.

    Attributes:
        selected: Positions to predict, before special tokens are left out.
        hidden: Where a selected position shows the mask token.
        random: Where a selected position that is not hidden shows a random word.
        words: The random words.
    """

    selected: Tensor
    hidden: Tensor
    random: Tensor
    words: Tensor


def draw_masking(input_ids: Tensor, probability: float, vocab_size: int) -> MaskingDraws:
    """Draw in the order of the published code, for all positions.

    Args:
        input_ids: Tokens ``(batch, length)``.
        probability: Share of positions to select.
        vocab_size: Number of words.
    """
    device = input_ids.device
    selected, hidden, random = (
        torch.bernoulli(torch.full(input_ids.shape, share, device=device)).bool()
        for share in (probability, _HIDDEN, _RANDOM)
    )
    words = torch.randint(vocab_size, input_ids.shape, dtype=torch.long, device=device)
    return MaskingDraws(selected, hidden, random, words)


def mask_tokens(
    input_ids: Tensor, draws: MaskingDraws, special: SpecialTokens
) -> tuple[Tensor, Tensor]:
    """Hide tokens.

    Of the selected positions, 80 % show the mask token, 10 % a random word, the rest themselves.
    Padding and the class token are never selected.

    Args:
        input_ids: Tokens ``(batch, length)``.
        draws: Those of `draw_masking`.
        special: Numbers of the special tokens.

    Returns:
        Tokens to show, and labels: the tokens at selected positions and -100 elsewhere.
    """
    selected = draws.selected & (input_ids != special.pad) & (input_ids != special.cls)
    hidden = draws.hidden & selected
    random = draws.random & selected & ~hidden
    shown = torch.where(random, draws.words, input_ids).masked_fill(hidden, special.mask)
    return shown, input_ids.masked_fill(~selected, _IGNORED)


def replace_tokens(
    input_ids: Tensor, attention_mask: Tensor, sampled: Tensor, special: SpecialTokens
) -> tuple[Tensor, Tensor]:
    """Put the words of the teacher in place of a caption's.

    Args:
        input_ids: Tokens of the caption ``(batch, length)``.
        attention_mask: 1 on tokens, 0 on padding ``(batch, length)``.
        sampled: What the teacher drew at every position ``(batch, length)``.
        special: Numbers of the special tokens.

    Returns:
        Tokens to show, and labels: 1 where the word is another, 0 where it is the same, -100
        where a padding or class token is shown.
    """
    replaced = sampled.clone()
    replaced[:, 0] = special.cls
    shown = replaced * attention_mask
    labels = (replaced != input_ids).long() * attention_mask
    ignored = (shown == special.pad) | (shown == special.cls)
    return shown, labels.masked_fill(ignored, _IGNORED)
