from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from lightning_face.errors import ConfigError
from lightning_face_sis.losses import GANLoss

MODES = ("hinge", "ls", "original", "w")


def outputs(*predictions: torch.Tensor) -> list[list[torch.Tensor]]:
    """Two scales, each with a feature map that must not count."""
    return [[torch.full((2, 4, 3, 3), 1e3), each] for each in predictions]


@pytest.fixture
def scores() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, 1, side, side, generator=generator) for side in (6, 4)]


@pytest.mark.parametrize("mode", MODES)
def test_equals_the_textbook_formula(mode, scores):
    score = scores[0]
    expected = {
        "hinge": (torch.relu(1 + score), torch.relu(1 - score), -score),
        "ls": (score**2, (score - 1) ** 2, (score - 1) ** 2),
        "original": tuple(
            binary_cross_entropy_with_logits(score, torch.full_like(score, target))
            for target in (0.0, 1.0, 1.0)
        ),
        "w": (score, -score, -score),
    }[mode]
    one = outputs(score)
    loss = GANLoss(mode)
    values = (*loss.discriminator_losses(one, one), loss.generator_loss(one))
    for value, formula in zip(values, expected, strict=True):
        assert float(value) == pytest.approx(float(formula.mean()), rel=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_scales_count_alike_whatever_their_size(mode, scores):
    loss = GANLoss(mode)
    both = loss.generator_loss(outputs(*scores))
    alone = [loss.generator_loss(outputs(each)) for each in scores]
    assert torch.allclose(both, torch.stack(alone).mean())


@pytest.mark.parametrize("mode", MODES)
def test_players_want_opposite_things(mode):
    loss = GANLoss(mode)
    score = torch.full((1, 1, 2, 2), 0.5, requires_grad=True)
    fake, real = loss.discriminator_losses(outputs(score), outputs(score))
    slopes = [
        torch.autograd.grad(each, score, retain_graph=True)[0].sum()
        for each in (fake, real, loss.generator_loss(outputs(score)))
    ]
    assert slopes[0] > 0 > slopes[1]
    assert slopes[2] < 0


def test_hinge_lets_the_discriminator_rest_beyond_its_margin():
    loss = GANLoss("hinge")
    far = outputs(torch.full((1, 1, 2, 2), -2.0)), outputs(torch.full((1, 1, 2, 2), 2.0))
    assert [float(each) for each in loss.discriminator_losses(*far)] == [0, 0]


def test_cross_entropy_of_an_undecided_discriminator_is_ln_2():
    undecided = outputs(torch.zeros(1, 1, 2, 2))
    fake, real = GANLoss("original").discriminator_losses(undecided, undecided)
    assert float(fake) == pytest.approx(math.log(2))
    assert float(real) == pytest.approx(math.log(2))


@pytest.mark.parametrize("mode", MODES)
def test_half_precision_scores_are_averaged_in_single_precision(mode):
    scores = outputs(torch.rand(2, 1, 40, 40).to(torch.bfloat16))
    assert GANLoss(mode).generator_loss(scores).dtype == torch.float32


def test_unknown_mode_is_refused_with_those_that_exist():
    with pytest.raises(ConfigError, match="hinge, ls, original, w"):
        GANLoss("lsgan")
