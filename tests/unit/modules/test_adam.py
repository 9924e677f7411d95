"""Adam and a learning-rate schedule."""

from __future__ import annotations

import math

import pytest
import torch

from lightning_face.modules.adam import configure_adam, learning_rate_factor


def test_published_optimiser_is_plain_adam_on_what_is_trained():
    module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 1))
    module[0].requires_grad_(False)
    optimizer = configure_adam(module, 1e-4, "constant", 100)
    assert type(optimizer) is torch.optim.Adam
    (group,) = optimizer.param_groups
    assert len(group["params"]) == 2
    assert (group["lr"], group["betas"], group["eps"], group["weight_decay"]) == (
        *(1e-4, (0.9, 0.999), 1e-8, 0),
    )


def test_cosine_rises_and_falls_to_nothing():
    factors = [learning_rate_factor(step, 100) for step in range(101)]
    assert factors[0] == pytest.approx(1 / 6)
    assert max(factors) == factors[5] == 1
    assert factors[-1] == pytest.approx(0, abs=1e-12)
    assert factors[5:] == sorted(factors[5:], reverse=True)
    assert learning_rate_factor(1000, math.inf) == 1


def test_cosine_is_counted_in_steps():
    configured = configure_adam(torch.nn.Linear(2, 3), 1e-3, "cosine", 100)
    assert configured["lr_scheduler"]["interval"] == "step"
    assert configured["optimizer"].param_groups[0]["lr"] == pytest.approx(1e-3 / 6)
