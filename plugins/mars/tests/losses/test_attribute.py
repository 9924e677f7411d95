"""The attribute loss against its loop, and captions without attributes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, linear

from lightning_face_mars.losses import attribute_loss, drop_shared_attributes


def loop(hidden: Tensor, masks: Tensor, labels: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Mean over attributes, then over sequences, with mean states of attributes."""
    losses = []
    for states, mask, label in zip(hidden, masks, labels, strict=True):
        numbers = [number for number in range(1, int(mask.max()) + 1) if (mask == number).any()]
        if numbers:
            means = torch.stack([states[mask == number].mean(dim=0) for number in numbers])
            logits = linear(means, weight, bias)
            losses.append(cross_entropy(logits, label.expand(len(numbers))))
    return torch.stack(losses).mean()


def test_equals_the_loop_with_mean_states():
    torch.manual_seed(0)
    hidden = torch.randn(5, 9, 6, requires_grad=True)
    weight, bias = torch.randn(2, 6), torch.randn(2)
    masks = torch.randint(0, 4, (5, 9)).float()
    masks[2] = 0
    # the first attribute has lost all its positions to the second
    masks[3] = torch.where(masks[3] == 1, 2, masks[3])
    labels = torch.tensor([1, 0, 1, 0, 0])
    terms = attribute_loss(linear(hidden, weight, bias), masks, labels)
    expected = loop(hidden, masks, labels, weight, bias)
    torch.testing.assert_close(terms.loss, expected)
    assert terms.share == pytest.approx(4 / 5)
    gradients = [torch.autograd.grad(each, hidden)[0] for each in (terms.loss, expected)]
    torch.testing.assert_close(*gradients)


def test_without_any_attribute_it_is_0():
    logits = torch.randn(3, 4, 2, requires_grad=True)
    terms = attribute_loss(logits, torch.zeros(3, 4), torch.tensor([1, 0, 0]))
    assert terms.loss == 0
    assert terms.share == 0
    (gradient,) = torch.autograd.grad(terms.loss, logits)
    assert not gradient.any()


def test_attributes_that_the_shown_person_has_too_are_dropped():
    red_shirt, shirt_red, blue_bag = [7, 8], [8, 7], [9, 10]
    input_ids = torch.tensor(
        [
            [1, *red_shirt, *blue_bag],
            [1, *shirt_red, 5, 5],
            [1, *blue_bag, 5, 5],
        ]
    )
    masks = torch.tensor([[0, 1, 1, 2, 2], [0, 1, 1, 0, 0], [0, 1, 1, 0, 0]])
    identities = torch.tensor([0, 1, 2])
    text_of, shown_in = torch.tensor([0, 0, 1, 2]), torch.tensor([1, 2, 2, 0])
    found = drop_shared_attributes(masks, input_ids, text_of, shown_in, identities)
    expected = [
        # person 1 has a red shirt too, person 2 a blue bag
        [0, 0, 0, 2, 2],
        [0, 1, 1, 0, 0],
        [0, 1, 1, 0, 0],
        [0, 0, 0, 0, 0],
    ]
    assert found.tolist() == expected


def test_all_captions_of_the_shown_person_count():
    input_ids = torch.tensor([[1, 7, 8], [1, 7, 8], [1, 5, 6]])
    masks = torch.tensor([[0, 1, 1], [0, 1, 1], [0, 1, 1]])
    # the picture is that of the third sample, whose person the second caption describes
    found = drop_shared_attributes(
        masks, input_ids, torch.tensor([0]), torch.tensor([2]), torch.tensor([0, 1, 1])
    )
    assert not found.any()
