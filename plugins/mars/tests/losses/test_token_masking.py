"""Shares of hidden tokens, and tokens that are never touched."""

from __future__ import annotations

import pytest
import torch

from lightning_face_mars.losses import (
    MaskingDraws,
    SpecialTokens,
    draw_masking,
    mask_tokens,
    replace_tokens,
)

SPECIAL = SpecialTokens(pad=0, cls=1, mask=2)
WORDS = 1000


def captions(count: int = 400, length: int = 50) -> torch.Tensor:
    torch.manual_seed(0)
    ids = torch.randint(3, WORDS, (count, length))
    ids[:, 0] = SPECIAL.cls
    ids[:, -10:] = SPECIAL.pad
    return ids


def test_shares_are_those_of_bert():
    ids = captions()
    shown, labels = mask_tokens(ids, draw_masking(ids, 0.15, WORDS), SPECIAL)
    selected = labels != -100
    words = 400 * 39
    assert selected.sum() / words == pytest.approx(0.15, rel=0.1)
    hidden = (shown == SPECIAL.mask) & selected
    assert hidden.sum() / selected.sum() == pytest.approx(0.8, abs=0.05)
    changed = (shown != ids) & selected & ~hidden
    assert changed.sum() / selected.sum() == pytest.approx(0.1, abs=0.03)


def test_padding_class_tokens_and_what_is_not_selected_stay():
    ids = captions()
    everything = torch.ones_like(ids, dtype=torch.bool)
    draws = MaskingDraws(everything, everything, everything, torch.full_like(ids, 5))
    shown, labels = mask_tokens(ids, draws, SPECIAL)
    special = (ids == SPECIAL.pad) | (ids == SPECIAL.cls)
    assert torch.equal(shown[special], ids[special])
    assert (labels[special] == -100).all()
    assert (shown[~special] == SPECIAL.mask).all()
    assert torch.equal(labels[~special], ids[~special])
    nothing = MaskingDraws(~everything, everything, everything, draws.words)
    shown, labels = mask_tokens(ids, nothing, SPECIAL)
    assert torch.equal(shown, ids)
    assert (labels == -100).all()


def test_inputs_are_not_changed():
    ids = captions(4)
    before = ids.clone()
    mask_tokens(ids, draw_masking(ids, 0.5, WORDS), SPECIAL)
    sampled = torch.full_like(ids, 7)
    replace_tokens(ids, (ids != 0).long(), sampled, SPECIAL)
    assert torch.equal(ids, before)
    assert (sampled == 7).all()


def test_draws_depend_on_the_seed_alone():
    ids = captions(4)
    torch.manual_seed(3)
    first = draw_masking(ids, 0.3, WORDS)
    torch.manual_seed(3)
    again = draw_masking(ids, 0.3, WORDS)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


def test_replaced_words_are_labelled():
    ids = torch.tensor([[1, 5, 6, 7, 8, 0]])
    attention = torch.tensor([[1, 1, 1, 1, 1, 0]])
    sampled = torch.tensor([[9, 5, 9, 0, 1, 9]])
    shown, labels = replace_tokens(ids, attention, sampled, SPECIAL)
    assert shown.tolist() == [[1, 5, 9, 0, 1, 0]]
    # a padding or class token is left out even where the teacher has drawn it
    assert labels.tolist() == [[-100, 0, 1, -100, -100, -100]]
