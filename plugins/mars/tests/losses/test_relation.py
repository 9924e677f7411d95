"""Replaced captions."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot

from lightning_face_mars.losses import relation_loss


def test_relation_of_sure_guesses():
    replaced = torch.tensor([0, 1, 1])
    logits = one_hot(replaced, 2) * 50.0
    assert relation_loss(logits, replaced) < 1e-6
    assert relation_loss(logits, 1 - replaced) == pytest.approx(50.0)


def test_logits_of_half_precision_are_judged_in_full():
    logits = torch.randn(4, 2, dtype=torch.bfloat16)
    replaced = torch.tensor([0, 1, 1, 0])
    found = relation_loss(logits, replaced)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, cross_entropy(logits.float(), replaced))
