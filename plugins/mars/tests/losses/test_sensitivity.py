"""Replaced words: what is left out, and accuracy."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from lightning_face_mars.losses import sensitivity_loss


def test_is_the_mean_over_what_is_labelled():
    torch.manual_seed(0)
    logits = torch.randn(3, 5, 2)
    labels = torch.tensor([[-100, 0, 1, 0, -100], [-100, 1, 1, 0, 0], [-100] * 5])
    terms = sensitivity_loss(logits, labels)
    known = labels >= 0
    torch.testing.assert_close(terms.loss, cross_entropy(logits[known], labels[known]))
    right = (logits[known].argmax(dim=1) == labels[known]).float().mean()
    assert terms.accuracy == pytest.approx(right.item())


def test_without_labels_it_is_0():
    logits = torch.randn(2, 3, 2, requires_grad=True)
    terms = sensitivity_loss(logits, torch.full((2, 3), -100))
    assert terms.loss == terms.accuracy == 0


def test_sure_and_right_costs_nothing():
    labels = torch.tensor([[-100, 1, 0]])
    logits = torch.stack([labels == 0, labels == 1], dim=2) * 50.0
    terms = sensitivity_loss(logits, labels)
    assert terms.loss < 1e-6
    assert terms.accuracy == 1
