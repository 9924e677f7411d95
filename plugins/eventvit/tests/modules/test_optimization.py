from __future__ import annotations

import math

import pytest
import torch

from lightning_face_eventvit.modules.optimization import (
    configure_adamw,
    learning_rate_factor,
    parameter_groups,
)
from lightning_face_eventvit.networks.event_vit import EventViT


@pytest.fixture
def network() -> EventViT:
    return EventViT(16, 8, 3, 8, 1, 1, 2, 8, dim_head=4, temporal_pos="learned")


def names_of(network, parameters) -> set[str]:
    wanted = {id(each) for each in parameters}
    return {name for name, each in network.named_parameters() if id(each) in wanted}


def test_only_matrices_decay(network):
    decayed, undecayed = parameter_groups(network, 0.1)
    assert (decayed["weight_decay"], undecayed["weight_decay"]) == (0.1, 0)
    matrices = names_of(network, decayed["params"])
    others = names_of(network, undecayed["params"])
    assert matrices | others == {name for name, _ in network.named_parameters()}
    assert all(network.get_parameter(name).dim() == 2 for name in matrices)
    assert all(name.endswith("weight") for name in matrices)
    assert {"pos_embedding", "cls_token", "temporal_cls_token"} <= others
    assert "spatial_transformer.layers.0.0.temperature" in others
    assert "temporal_position.table" in others


def test_frozen_parameters_are_not_trained(network):
    network.requires_grad_(False)
    assert parameter_groups(network, 0.1) == []
    network.mlp_head.requires_grad_(True)
    found = [each for group in parameter_groups(network, 0.1) for each in group["params"]]
    assert names_of(network, found) == {
        f"mlp_head.{index}.{kind}" for index in (0, 1) for kind in ("weight", "bias")
    }


def test_published_recipe_decays_everything_at_a_constant_rate(network):
    optimizer = configure_adamw(network, 1e-4, 1e-3, False, "constant", 0.05, 100)
    assert isinstance(optimizer, torch.optim.AdamW)
    (group,) = optimizer.param_groups
    assert len(group["params"]) == len(list(network.parameters()))
    assert (group["lr"], group["weight_decay"], group["betas"]) == (1e-4, 1e-3, (0.9, 0.999))


def test_cosine_rises_and_falls():
    factors = [learning_rate_factor("cosine", 0.1, step, 100) for step in range(101)]
    assert factors[:10] == pytest.approx([(step + 1) / 11 for step in range(10)])
    assert factors[10] == 1
    assert factors[55] == pytest.approx(0.5)
    assert factors[100] == pytest.approx(0)
    assert all(0 <= each <= 1 for each in factors)


@pytest.mark.parametrize(("warmup", "steps"), [(0.0, 1), (1.0, 5), (0.5, 1), (0.0, 0)])
def test_odd_runs_have_a_rate_too(warmup, steps):
    for step in range(steps + 2):
        assert 0 <= learning_rate_factor("cosine", warmup, step, steps) <= 1


def test_constant_and_endless_runs_do_not_fall():
    assert learning_rate_factor("constant", 0.05, 10, 100) == 1
    assert learning_rate_factor("cosine", 0.05, 10, math.inf) == 1
