import pytest
import torch

from lightning_face_emovoca.losses.es2d_loss import es2d_loss, weighted_vertex_error


def test_the_first_term_is_a_sum_over_vertices():
    pred, weights = torch.full((4, 10, 3), 0.5), torch.arange(10.0)
    assert weighted_vertex_error(pred, torch.zeros_like(pred), weights) == 0.5 * 45


def test_the_loss_adds_a_tenth_of_the_mean():
    generator = torch.Generator().manual_seed(0)
    pred, target = (torch.randn(4, 10, 3, generator=generator) for _ in range(2))
    weights = torch.rand(10, generator=generator)
    terms = es2d_loss(pred, target, weights)
    assert terms["displacement_l1"] == pytest.approx((pred - target).abs().mean().item())
    expected = sum(
        weights[vertex] * (pred[:, vertex] - target[:, vertex]).abs().mean() for vertex in range(10)
    )
    assert terms["weighted_l1"] == pytest.approx(expected.item(), rel=1e-5)
    assert terms["loss"] == pytest.approx((expected + 0.1 * terms["displacement_l1"]).item())


def test_a_vertex_without_weight_counts_in_the_second_term_alone():
    pred = torch.zeros(1, 3, 3, requires_grad=True)
    terms = es2d_loss(pred, torch.ones(1, 3, 3), torch.tensor([1.0, 0.0, 0.0]), 0.9)
    terms["loss"].backward()
    assert terms["weighted_l1"] == 1
    assert pred.grad[0, 0, 0].item() == pytest.approx(-1 / 3 - 0.1)
    assert pred.grad[0, 1, 0].item() == pytest.approx(-0.1)
