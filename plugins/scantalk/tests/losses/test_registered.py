"""Losses of sequences whose vertices correspond."""

from __future__ import annotations

import pytest
import torch

from lightning_face_scantalk.losses import masked_loss, squared_error_loss, weighted_loss

LIPS = torch.tensor([1, 3])


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    pred, target = torch.randn(2, 4, 5, 3, generator=generator)
    return pred.requires_grad_(), target


def test_squared_error_is_the_mean_over_all_coordinates(pair):
    pred, target = pair
    loss = squared_error_loss(pred, target)["loss"]
    torch.testing.assert_close(loss, (pred - target).square().mean())


def test_masked_loss_counts_lips_once_more(pair):
    pred, target = pair
    terms = masked_loss(pred, target, LIPS)
    torch.testing.assert_close(terms["rec"], (pred - target).square().mean())
    torch.testing.assert_close(terms["mouth"], (pred - target)[:, LIPS].square().mean())
    torch.testing.assert_close(terms["loss"], terms["rec"] + terms["mouth"] + terms["velocity"])


@pytest.mark.parametrize(("axis", "free"), [("time", (1, 5, 3)), ("vertex", (4, 1, 3))])
def test_velocities_are_blind_to_what_is_constant_along_their_axis(pair, axis, free):
    _, target = pair
    offset = torch.randn(free, generator=torch.Generator().manual_seed(1))
    velocity = masked_loss(target + offset, target, LIPS, axis)["velocity"]
    assert velocity.item() == pytest.approx(0, abs=1e-12)
    other = "vertex" if axis == "time" else "time"
    assert masked_loss(target + offset, target, LIPS, other)["velocity"] > 0.1


def test_weighted_loss_is_the_weighted_sum_of_its_terms(pair):
    pred, target = pair
    terms = weighted_loss(pred, target, torch.zeros(5, 3), LIPS, 1.0, 2.0, 3.0, 4.0)
    expected = terms["rec"] + 2 * terms["mouth"] + 3 * terms["velocity"] + 4 * terms["cosine"]
    torch.testing.assert_close(terms["loss"], expected)


def test_cosine_is_that_of_displacements(pair):
    _, target = pair
    neutral = torch.ones(5, 3)
    farther, opposite = neutral + 3 * (target - neutral), 2 * neutral - target
    for pred, expected in ((farther, 0.0), (opposite, 2.0)):
        cosine = weighted_loss(pred, target, neutral, LIPS)["cosine"]
        assert cosine.item() == pytest.approx(expected, abs=1e-5)


def test_a_displacement_of_nothing_has_gradients(pair):
    _, target = pair
    neutral = torch.zeros(5, 3)
    pred = neutral.expand(4, 5, 3).clone().requires_grad_()
    loss = weighted_loss(pred, target, neutral, LIPS, cosine_weight=1.0)["loss"]
    gradient = torch.autograd.grad(loss, pred)[0]
    assert gradient.isfinite().all()


def test_one_frame_has_no_velocity(pair):
    pred, target = pair
    assert masked_loss(pred[:1], target[:1], LIPS)["velocity"] == 0


def test_shapes_that_would_be_broadcast_are_refused(pair):
    pred, target = pair
    with pytest.raises(ValueError, match="expected two tensors"):
        squared_error_loss(pred, target[:1])
