"""Hidden tokens: both axes of the teacher's term, and batches without any."""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy

from lightning_face_mars.losses import masked_language_loss, sequence_normalizer


def test_without_a_teacher_it_is_cross_entropy():
    torch.manual_seed(0)
    logits, targets = torch.randn(6, 20), torch.randint(20, (6,))
    terms = masked_language_loss(logits, torch.randn(6, 20), targets, alpha=0.0)
    torch.testing.assert_close(terms.loss, cross_entropy(logits, targets))


def test_a_student_who_agrees_has_no_gradient_over_the_vocabulary():
    torch.manual_seed(0)
    logits = torch.randn(6, 20, requires_grad=True)
    terms = masked_language_loss(logits, logits.detach(), torch.zeros(6).long(), alpha=1.0)
    (gradient,) = torch.autograd.grad(terms.loss, logits)
    assert gradient.abs().max() < 1e-6


def test_published_normalizer_sums_over_the_sequence():
    torch.manual_seed(0)
    logits, teacher = torch.randn(3, 7, 20), torch.randn(3, 7, 20)
    labels = torch.full((3, 7), -100)
    labels[0, 2], labels[2, 1], labels[2, 6] = 4, 5, 6
    selected = labels != -100
    found = masked_language_loss(
        logits[selected],
        teacher[selected],
        labels[selected],
        alpha=0.4,
        normalizer=sequence_normalizer(logits, selected),
    )
    distances = -(logits.log_softmax(dim=1) * teacher.softmax(dim=2)).sum(dim=2)
    torch.testing.assert_close(found.distillation, distances[selected].mean())
    expected = 0.6 * cross_entropy(logits.mT, labels) + 0.4 * distances[selected].mean()
    torch.testing.assert_close(found.loss, expected)


def test_without_hidden_tokens_it_is_0():
    hidden = torch.randn(0, 20, requires_grad=True)
    terms = masked_language_loss(hidden, torch.randn(0, 20), torch.zeros(0).long(), alpha=0.4)
    assert terms.loss == terms.cross_entropy == terms.distillation == 0
    assert terms.loss.requires_grad
