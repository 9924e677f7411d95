"""What the networks are trained on, by hand and at its edges."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from lightning_face_eventvit.losses import alpha_loss, privileged_loss


def test_privileged_loss_adds_the_mean_square_to_the_cross_entropy():
    logits, labels = torch.randn(5, 24), torch.tensor([0, 3, 23, 7, 7])
    hallucinated, privileged = torch.randn(5, 64), torch.randn(5, 64)
    terms = privileged_loss(logits, labels, hallucinated, privileged)
    assert terms.keys() == {"cross_entropy", "pi_mse", "total"}
    torch.testing.assert_close(terms["cross_entropy"], cross_entropy(logits, labels))
    torch.testing.assert_close(terms["pi_mse"], (hallucinated - privileged).square().mean())
    torch.testing.assert_close(terms["total"], terms["cross_entropy"] + terms["pi_mse"])


@pytest.mark.parametrize("scores", [24, 64])
def test_without_features_it_is_the_cross_entropy_of_all_scores(scores):
    logits, labels = torch.randn(3, scores), torch.tensor([0, 3, 23])
    terms = privileged_loss(logits, labels)
    assert terms.keys() == {"cross_entropy", "total"}
    torch.testing.assert_close(terms["total"], cross_entropy(logits, labels))


def test_one_feature_without_the_other_is_refused():
    with pytest.raises(ValueError, match="both or neither"):
        privileged_loss(torch.zeros(1, 4), torch.zeros(1, dtype=torch.long), torch.zeros(1, 8))


def test_losses_of_half_precision_are_computed_in_float32():
    logits = torch.randn(4, 24).bfloat16()
    loss = privileged_loss(logits, torch.tensor([0, 1, 2, 3]))["total"]
    assert loss.dtype == torch.float32
    pred = torch.randn(2, 3, 32).bfloat16()
    valid = torch.ones(2, 3, dtype=torch.bool)
    assert alpha_loss(pred, torch.randn(2, 3, 32), valid).dtype == torch.float32


def test_alpha_loss_counts_valid_frames_alone():
    pred, target = torch.randn(2, 5, 32), torch.randn(2, 5, 32)
    valid = torch.tensor([[0, 1, 1, 0, 1], [0, 0, 0, 0, 1]], dtype=torch.bool)
    expected = (pred - target).square()[valid].mean()
    torch.testing.assert_close(alpha_loss(pred, target, valid), expected)
    # whatever stands in the holes
    target[~valid] = torch.nan
    torch.testing.assert_close(alpha_loss(pred, target, valid), expected)


def test_alpha_loss_gives_no_gradient_to_invalid_frames():
    pred = torch.randn(1, 3, 32, requires_grad=True)
    target = torch.full((1, 3, 32), torch.nan)
    target[0, 1] = 0
    valid = torch.tensor([[False, True, False]])
    alpha_loss(pred, target, valid).backward()
    assert pred.grad[0, 1].abs().min() > 0
    assert torch.equal(pred.grad[0, ::2], torch.zeros(2, 32))


def test_alpha_loss_of_clips_without_a_face_is_zero():
    pred = torch.randn(1, 3, 32, requires_grad=True)
    loss = alpha_loss(pred, torch.zeros(1, 3, 32), torch.zeros(1, 3, dtype=torch.bool))
    loss.backward()
    assert loss == 0
    assert torch.equal(pred.grad, torch.zeros_like(pred))


def test_alpha_loss_of_other_shapes_is_refused():
    with pytest.raises(ValueError, match="expected coefficients"):
        alpha_loss(torch.zeros(1, 3, 32), torch.zeros(1, 3, 16), torch.ones(1, 3))
    with pytest.raises(ValueError, match="expected coefficients"):
        alpha_loss(torch.zeros(1, 3, 32), torch.zeros(1, 3, 32), torch.ones(1, 4))
