"""Kernel losses as the published development code has them."""

from __future__ import annotations

import pytest
import torch

from lightning_face_scantalk.losses import kernel_loss

FACES = torch.tensor([[0, 1, 2], [1, 2, 3], [2, 3, 4]])


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    return 0.05 * torch.randn(2, 3, 5, 3, generator=generator)


def dense(pred, target, kernel, sigma, sigma_n=0.5):
    """One frame by the definition, all pairs and components at once."""

    def parts(vertices):
        a, b, c = vertices[FACES].unbind(1)
        normals = torch.linalg.cross(b - a, c - a) / 2
        areas = normals.square().sum(1).clamp(min=1e-10).sqrt()
        return (a + b + c) / 3, areas, normals / areas[:, None]

    def product(first, second):
        squares = (first[0][:, None] - second[0]).square()
        normals = first[2][:, None] * second[2]
        if kernel == "gibbs":
            values = (-squares / sigma**2).exp().sum(-1)
            values = values * ((normals - 1) / sigma_n**2).exp().sum(-1)
        else:
            values = (-squares.sum(-1) / sigma**2).exp() * normals.square().sum(-1)
        return (first[1][:, None] * second[1] * values).sum()

    one, two = parts(pred.double()), parts(target.double())
    return product(one, one) + product(two, two) - 2 * product(one, two)


@pytest.mark.parametrize("kernel", ["gauss_squared", "gibbs"])
@pytest.mark.parametrize("scale_weights", [False, True])
def test_is_the_sum_over_scales_of_its_definition(pair, kernel, scale_weights):
    pred, target = pair
    actual = kernel_loss(
        pred, target, FACES, FACES, kernel, sigmas=(0.04, 0.02), scale_weights=scale_weights
    )
    weight = 0.25 if scale_weights else 1.0
    expected = torch.stack(
        [
            dense(*frames, kernel, 0.04) + weight * dense(*frames, kernel, 0.02)
            for frames in zip(pred, target, strict=True)
        ]
    )
    torch.testing.assert_close(actual.double(), expected, rtol=1e-4, atol=1e-11)


@pytest.mark.parametrize("kernel", ["gauss_squared", "gibbs"])
def test_has_gradients_and_no_distance_to_itself(pair, kernel):
    pred, target = pair
    assert kernel_loss(pred, pred, FACES, FACES, kernel, (0.03,)).abs().amax() < 1e-10
    pred.requires_grad_()
    loss = kernel_loss(pred, target, FACES, [FACES] * 3, kernel, (0.03,)).sum()
    assert torch.autograd.grad(loss, pred)[0].abs().sum() > 0
