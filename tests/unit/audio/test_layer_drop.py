from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from lightning_face.audio.layer_drop import DroppedLayers
from lightning_face.errors import ConfigError
from lightning_face.testing.processes import run_processes


def layers(count=40, probability=0.5, **options):
    plain = nn.ModuleList([nn.Linear(2, 2) for _ in range(count)])
    return DroppedLayers(plain, probability, **options)


def test_names_lengths_and_indices_are_those_of_a_list():
    plain = nn.ModuleList([nn.Linear(2, 2) for _ in range(5)])
    dropped = DroppedLayers(plain, 0.5)
    assert list(dropped.state_dict()) == list(plain.state_dict())
    assert len(dropped) == 5
    assert dropped[3] is plain[3]


def test_evaluation_runs_through_all():
    dropped = layers(probability=1.0).eval()
    assert len(list(dropped)) == 40


def test_probability_0_runs_through_all():
    assert len(list(layers(probability=0.0))) == 40


def test_training_leaves_out_the_given_part():
    torch.manual_seed(0)
    dropped = layers(probability=0.25)
    kept = [len(list(dropped)) for _ in range(200)]
    assert len(set(kept)) > 5
    assert sum(kept) / 200 == pytest.approx(30, abs=1)


def test_order_is_kept():
    dropped = layers()
    numbers = {id(layer): number for number, layer in enumerate(dropped.eval())}
    order = [numbers[id(layer)] for layer in dropped.train()]
    assert order == sorted(order)


def test_the_first_layer_can_be_kept():
    dropped = layers(3, 1.0, keep_first=True)
    assert [layer is dropped[0] for layer in dropped] == [True]


def test_a_step_draws_the_same_whatever_was_drawn_before():
    first, second = layers(), layers()
    second.load_state_dict(first.state_dict())
    chosen = []
    for dropped, seed in ((first, 0), (second, 1)):
        torch.manual_seed(seed)
        dropped.begin_step(7, seed=5)
        numbers = {id(layer): number for number, layer in enumerate(dropped.children())}
        chosen += [[numbers[id(layer)] for layer in dropped] for _ in range(2)]
    assert all(choice == chosen[0] for choice in chosen)


@pytest.mark.parametrize("other", [(8, 5), (7, 6)])
def test_other_steps_and_seeds_draw_otherwise(other):
    dropped = layers()
    dropped.begin_step(7, seed=5)
    before = list(dropped)
    dropped.begin_step(*other)
    assert list(dropped) != before


class Tower(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = layers(6, 0.5)

    def forward(self, hidden):
        for layer in self.layers:
            hidden = hidden + layer(hidden)
        return self.layers.keep_in_graph(hidden)


def trained_by(rank):
    """Make four steps."""
    tower = Tower()
    with pytest.raises(ConfigError, match="begin_step"):
        tower(torch.ones(1, 2))
    parallel = DistributedDataParallel(tower)
    optimizer = torch.optim.SGD(tower.parameters(), 0.1)
    # the processes have drawn other numbers by now
    torch.manual_seed(rank)
    for step in range(4):
        tower.layers.begin_step(step)
        loss = sum(parallel(torch.randn(3, 2)).square().mean() for _ in range(rank + 1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return tower.state_dict()


@pytest.mark.distributed
def test_processes_leave_out_the_same_layers_and_wait_for_none():
    first, second = run_processes(trained_by)
    start = Tower().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], start[name]) for name in first)
