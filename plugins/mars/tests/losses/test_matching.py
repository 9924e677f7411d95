"""Wrong pairs are of other persons, and the more alike the likelier."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from lightning_face_mars.losses import draw_negatives, matching_loss, negative_weights


def test_wrong_partners_are_of_other_persons():
    torch.manual_seed(0)
    identities = torch.tensor([0, 0, 1, 2])
    weights = negative_weights(torch.randn(4, 4), identities)
    for _ in range(50):
        drawn = draw_negatives(weights)
        assert (identities[drawn] != identities).all()


def test_alike_partners_are_drawn_more_often():
    torch.manual_seed(0)
    logits = torch.zeros(1000, 3)
    logits[:, 2] = 2.0
    weights = logits.softmax(dim=1) * torch.tensor([0.0, 1.0, 1.0])
    share = (draw_negatives(weights) == 2).float().mean().item()
    e2 = torch.tensor(2.0).exp().item()
    assert share == pytest.approx(e2 / (e2 + 1), abs=0.05)


def test_weights_have_no_gradient():
    logits = torch.randn(3, 3, requires_grad=True)
    assert not negative_weights(logits, torch.arange(3)).requires_grad


def test_a_batch_of_one_person_has_no_wrong_partner():
    weights = negative_weights(torch.randn(3, 3), torch.zeros(3, dtype=torch.long))
    assert not weights.any()
    assert draw_negatives(weights).shape == (3,)


def test_pairs_that_are_left_out_change_nothing():
    torch.manual_seed(0)
    logits = torch.randn(6, 2, requires_grad=True)
    labels = torch.tensor([1, 1, 0, 0, 0, 0])
    valid = torch.tensor([True, True, True, False, True, False])
    loss = matching_loss(logits, labels, valid)
    torch.testing.assert_close(loss, cross_entropy(logits[valid], labels[valid]))
    (gradient,) = torch.autograd.grad(loss, logits)
    assert not gradient[~valid].any()
    assert gradient[valid].all()


def test_what_is_no_number_is_drawn_from_too():
    weights = torch.tensor([[0.0, 1.0], [float("nan"), 0.0]])
    drawn = draw_negatives(weights)
    assert drawn[0] == 1
    assert drawn[1] in (0, 1)
