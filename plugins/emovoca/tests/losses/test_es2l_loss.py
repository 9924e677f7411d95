import pytest
import torch

from lightning_face_emovoca.losses.es2l_loss import es2l_loss


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    return (torch.randn(2, 9, 204, generator=generator) for _ in range(2))


def test_terms_are_means_of_squares(pair):
    pred, target = pair
    terms = es2l_loss(pred, target)
    error = (pred - target).double()
    assert terms["reconstruction"] == pytest.approx(error.square().mean().item(), rel=1e-6)
    assert terms["mouth"] == pytest.approx(error[..., 144:].square().mean().item(), rel=1e-6)
    velocity = (error[:, 1:] - error[:, :-1]).square().mean().item()
    assert terms["velocity"] == pytest.approx(velocity, rel=1e-6)
    total = terms["reconstruction"] + 5 * terms["mouth"] + 10 * terms["velocity"]
    assert terms["loss"] == pytest.approx(total.item(), rel=1e-6)


def test_weights_and_mouth_can_be_others(pair):
    pred, target = pair
    terms = es2l_loss(pred, target, slice(0, 2), 2.0, 0.0, 3.0)
    assert terms["mouth"] == pytest.approx((pred - target)[..., :6].square().mean().item())
    assert terms["loss"] == pytest.approx((3 * terms["reconstruction"] + 2 * terms["mouth"]).item())


def test_a_constant_error_has_no_velocity():
    terms = es2l_loss(torch.ones(1, 5, 204), torch.zeros(1, 5, 204))
    assert terms["velocity"] == 0
    assert terms["loss"] == 6


def test_a_single_frame_has_no_velocity_and_a_finite_gradient():
    pred = torch.randn(1, 1, 204, requires_grad=True)
    terms = es2l_loss(pred, torch.zeros(1, 1, 204))
    terms["loss"].backward()
    assert terms["velocity"] == 0
    assert pred.grad.isfinite().all()
