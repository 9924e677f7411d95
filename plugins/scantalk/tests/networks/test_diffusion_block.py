from __future__ import annotations

import pytest
import torch

from lightning_face_scantalk.networks.diffusion_block import DiffusionNetBlock


@pytest.fixture
def block():
    torch.manual_seed(0)
    block = DiffusionNetBlock(6).eval()
    torch.nn.init.uniform_(block.diffusion.times, 1e-5, 1e-2)
    for parameter in block.gradient_features.parameters():
        parameter.data.mul_(1e-2)
    return block


def test_frames_do_not_see_each_other(block, operators):
    signal = torch.randn(operators.num_vertices, 3, 6)
    together = block(signal, operators)
    alone = torch.stack([block(frame, operators) for frame in signal.unbind(1)], dim=1)
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=1e-5)


def test_vertices_may_come_in_any_order(block, operators, head):
    order = torch.randperm(operators.num_vertices)
    back = order.argsort()
    signal = torch.randn(operators.num_vertices, 6)

    class Reordered(type(operators)):
        def gradient(self, values):
            return operators.gradient(values[back])[:, order]

    moved = {**vars(operators)}
    moved |= {
        "mass": operators.mass[order],
        "eigenbasis": operators.eigenbasis[order],
        "weighted_basis": operators.weighted_basis[:, order],
    }
    result = block(signal[order], Reordered(**moved))
    torch.testing.assert_close(result, block(signal, operators)[order], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("hidden", [None, (4,), ()])
@pytest.mark.parametrize("gradient_features", [True, False])
def test_gradients_lead_back(operators, hidden, gradient_features):
    torch.manual_seed(0)
    block = DiffusionNetBlock(2, hidden, gradient_features=gradient_features).double().eval()
    torch.nn.init.uniform_(block.diffusion.times, 1e-4, 1e-2)
    exact = operators.to(dtype=torch.float64)
    signal = torch.randn(exact.num_vertices, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda *values: block(values[0], exact)[::40], (signal, block.diffusion.times)
    )


def test_dropout_only_before_the_later_layers(operators):
    torch.manual_seed(0)
    block = DiffusionNetBlock(4, hidden=(), dropout=0.5).train()
    signal = torch.randn(operators.num_vertices, 4)
    assert torch.equal(block(signal, operators), block(signal, operators))
    block = DiffusionNetBlock(4, dropout=0.5).train()
    assert not torch.equal(block(signal, operators), block(signal, operators))


def test_half_precision_keeps_sums_over_vertices_exact(block, operators):
    signal = torch.randn(operators.num_vertices, 2, 6)
    expected = block(signal, operators)
    with torch.autocast("cpu", torch.bfloat16):
        diffused, gradients = block.spread(signal, operators)
        result = block(signal, operators)
    assert diffused.dtype == gradients.dtype == torch.float32
    torch.testing.assert_close(result.float(), expected, atol=0.05, rtol=0.05)
    assert not torch.equal(result.float(), expected)
