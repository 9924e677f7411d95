"""The contrastive loss against one written out, and what it is by definition."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy, normalize

from lightning_face_mars.losses import contrastive_loss

WIDTH, QUEUE = 8, 12


@pytest.fixture
def inputs() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    names = ("image_features", "text_features", "teacher_image_features", "teacher_text_features")
    return {
        **{name: normalize(torch.randn(4, WIDTH)) for name in names},
        "image_queue": normalize(torch.randn(WIDTH, QUEUE), dim=0),
        "text_queue": normalize(torch.randn(WIDTH, QUEUE), dim=0),
        "identity_queue": torch.full((1, QUEUE), -100),
        "identities": torch.tensor([3, 1, 2, 0]),
        "temperature": torch.tensor(0.1, requires_grad=True),
    }


def test_without_teacher_and_with_single_persons_it_is_cross_entropy(inputs):
    terms = contrastive_loss(**inputs, alpha=0.0)
    keys = torch.cat([inputs["teacher_text_features"].T, inputs["text_queue"]], dim=1)
    expected = cross_entropy(inputs["image_features"] @ keys / 0.1, torch.arange(4))
    torch.testing.assert_close(terms.image_to_text, expected)
    four = (terms.image_to_text, terms.text_to_image, terms.image_to_image, terms.text_to_text)
    torch.testing.assert_close(terms.loss, torch.stack(four).mean())


def test_all_entries_of_a_person_share_the_target(inputs):
    inputs["identity_queue"][0, 5] = 3
    inputs["identities"] = torch.tensor([3, 3, 2, 0])
    terms = contrastive_loss(**inputs, alpha=0.0)
    keys = torch.cat([inputs["teacher_image_features"].T, inputs["image_queue"]], dim=1)
    chances = (inputs["text_features"] @ keys / 0.1).log_softmax(dim=1)
    places = ([0, 1, 4 + 5], [0, 1, 4 + 5], [2], [3])
    rows = [-chances[row, columns].mean() for row, columns in enumerate(places)]
    torch.testing.assert_close(terms.text_to_image, torch.stack(rows).mean())


def test_teacher_alone_is_followed_where_alpha_is_1(inputs):
    inputs["image_features"] = inputs["teacher_image_features"].clone().requires_grad_()
    loss = contrastive_loss(**inputs, alpha=1.0).image_to_text
    (gradient,) = torch.autograd.grad(loss, inputs["image_features"])
    # cross entropy of a distribution with itself is least
    assert gradient.abs().max() < 1e-6


def test_targets_give_the_temperature_no_gradient(inputs):
    temperature, step = inputs["temperature"], 1e-3
    loss = contrastive_loss(**inputs, alpha=1.0).image_to_text
    (gradient,) = torch.autograd.grad(loss, temperature)
    keys = torch.cat([inputs["teacher_text_features"].T, inputs["text_queue"]], dim=1)
    target = (inputs["teacher_image_features"] @ keys / temperature.detach()).softmax(dim=1)

    def loss_with_fixed_target(temperature: float) -> float:
        chances = (inputs["image_features"] @ keys / temperature).log_softmax(dim=1)
        return -(target * chances).sum(dim=1).mean().item()

    rise = loss_with_fixed_target(0.1 + step) - loss_with_fixed_target(0.1 - step)
    assert gradient.item() == pytest.approx(rise / (2 * step), rel=1e-2)


def test_is_computed_in_single_precision_under_autocast(inputs):
    expected = contrastive_loss(**inputs, alpha=0.4).loss
    with torch.autocast("cpu", torch.bfloat16):
        found = contrastive_loss(**inputs, alpha=0.4).loss
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)


def test_logits_for_negatives_are_those_of_the_batch_alone(inputs):
    terms = contrastive_loss(**inputs, alpha=0.4)
    expected = inputs["image_features"] @ inputs["teacher_text_features"].T / 0.1
    torch.testing.assert_close(terms.image_to_text_logits, expected.detach())
    assert not terms.text_to_image_logits.requires_grad
