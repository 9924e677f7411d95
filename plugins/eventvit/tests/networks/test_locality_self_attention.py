from __future__ import annotations

import math

import pytest
import torch

from lightning_face_eventvit.networks.locality_self_attention import LocalitySelfAttention

# heads narrower than a token have maps of their own, in others maps are joined
WIDTHS = [(8, 2, 4), (8, 3, 8), (6, 2, 10), (8, 1, 8), (8, 1, 3)]


def make(dim, heads, dim_head, dropout=0.0):
    torch.manual_seed(0)
    attention = LocalitySelfAttention(dim, heads, dim_head, dropout).double()
    for parameter in attention.parameters():
        torch.nn.init.normal_(parameter)
    return attention


def gradients(output, leaves):
    return torch.autograd.grad(output.sin().sum(), leaves)


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("widths", WIDTHS)
def test_output_and_gradients_are_the_papers(paper, widths, count):
    attention = make(*widths)
    tokens = torch.randn(3, count, widths[0], dtype=torch.float64, requires_grad=True)
    leaves = [tokens, *attention.parameters()]
    ours, theirs = attention(tokens), paper.attend_locally(attention, tokens)
    torch.testing.assert_close(ours, theirs)
    for found, wanted in zip(gradients(ours, leaves), gradients(theirs, leaves), strict=True):
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("widths", WIDTHS)
def test_first_token_alone_is_the_first_of_all(widths, count):
    attention = make(*widths)
    tokens = torch.randn(3, count, widths[0], dtype=torch.float64, requires_grad=True)
    leaves = [tokens, *attention.parameters()]
    ours, theirs = attention.first_token(tokens), attention(tokens)[:, 0]
    torch.testing.assert_close(ours, theirs)
    for found, wanted in zip(gradients(ours, leaves), gradients(theirs, leaves), strict=True):
        torch.testing.assert_close(found, wanted)


def test_gradients_agree_with_differences():
    attention = make(4, 2, 4)
    tokens = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(attention, tokens)
    assert torch.autograd.gradcheck(
        lambda temperature: torch.func.functional_call(
            attention, {"temperature": temperature}, tokens
        ),
        attention.temperature,
    )


@pytest.mark.parametrize("widths", WIDTHS[:2])
def test_no_token_looks_at_itself(widths):
    weights = make(*widths).weights(torch.randn(3, 5, widths[0], dtype=torch.float64))
    assert weights.shape == (3, widths[1], 5, 5)
    assert (weights.diagonal(dim1=-2, dim2=-1) == 0).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights.sum(-1)))


def test_temperature_starts_at_the_usual_scale():
    assert LocalitySelfAttention(8, 2, 64).temperature.exp().item() == pytest.approx(1 / 8)
    assert LocalitySelfAttention(8, 2, 64).temperature.item() == pytest.approx(-math.log(8))


@pytest.mark.parametrize("widths", WIDTHS[:2])
def test_dropout_acts_in_training_only(widths):
    attention, tokens = make(*widths, dropout=0.5), torch.randn(1, 4, 8, dtype=torch.float64)
    for run in (attention, attention.first_token):
        attention.train()
        assert not torch.equal(run(tokens), run(tokens))
        attention.eval()
        assert torch.equal(run(tokens), run(tokens))
