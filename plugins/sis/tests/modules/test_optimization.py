from __future__ import annotations

import pytest
from torch import nn

from lightning_face_sis.modules.optimization import learning_rate_factor, player_optimizer


@pytest.mark.parametrize(
    ("epoch", "factor"), [(0, 1), (49, 1), (50, 1), (51, 0.98), (75, 0.5), (99, 0.02), (200, 0)]
)
def test_linear_schedule_of_the_published_training(epoch, factor):
    assert learning_rate_factor("linear", epoch, 50, 50) == pytest.approx(factor)
    assert learning_rate_factor("constant", epoch, 50, 50) == 1


@pytest.mark.parametrize("first", [True, False])
def test_two_time_scales(first):
    groups = {1.0: nn.Linear(2, 2).parameters(), 0.1: nn.Linear(2, 2).parameters()}
    optimizer = player_optimizer(groups, 2e-4, None, True, first)
    rate = 1e-4 if first else 4e-4
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([rate, 0.1 * rate])
    assert {group["betas"] for group in optimizer.param_groups} == {(0.0, 0.9)}


@pytest.mark.parametrize(("betas", "expected"), [(None, (0.5, 0.999)), ([0.9, 0.99], (0.9, 0.99))])
def test_one_time_scale(betas, expected):
    layer = nn.Linear(2, 2)
    layer.bias.requires_grad_(False)
    optimizer = player_optimizer({1.0: layer.parameters()}, 2e-4, betas, False, True)
    (group,) = optimizer.param_groups
    assert (group["lr"], group["betas"]) == (2e-4, expected)
    assert group["params"] == [layer.weight]
