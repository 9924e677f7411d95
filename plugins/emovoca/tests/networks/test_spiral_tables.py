from __future__ import annotations

import copy

import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face_emovoca.networks.spiral_tables import SpiralTables


@pytest.fixture
def tables(hierarchy):
    tables = SpiralTables((40, 12, 5), (6, 5, 4))
    tables.load_hierarchy(hierarchy())
    return tables


def same(one, other):
    return all(
        torch.equal(first.spirals, second.spirals)
        and torch.equal(first.upsampled.weights, second.upsampled.weights)
        for first, second in zip(one.levels(), other.levels(), strict=True)
    )


def test_state_dict_carries_the_hierarchy(tables):
    other = SpiralTables((40, 12, 5), (6, 5, 4))
    other.load_state_dict(tables.state_dict())
    assert same(tables, other)


def test_state_dict_of_other_tables_replaces_those_in_use(tables, hierarchy):
    other = SpiralTables((40, 12, 5), (6, 5, 4))
    other.load_hierarchy(hierarchy(seed=1))
    assert not same(tables, other)
    tables.load_state_dict(other.state_dict())
    assert same(tables, other)


def test_hierarchy_replaces_the_one_in_use(tables, hierarchy):
    before = tables.levels()[0].spirals
    tables.load_hierarchy(hierarchy(seed=1))
    assert not torch.equal(tables.levels()[0].spirals, before)


def test_tables_follow_the_precision_of_the_module(tables):
    assert tables.levels()[0].upsampled.weights.dtype == torch.float32
    tables.double()
    assert tables.levels()[0].upsampled.weights.dtype == torch.float64


def test_tables_that_inference_asked_for_first_serve_training(tables):
    with torch.inference_mode():
        tables.levels()
    assert not tables.levels()[0].upsampled.weights.is_inference()


def test_copies_have_tables_of_their_own(tables, hierarchy):
    tables.levels()
    twin = copy.deepcopy(tables)
    twin.load_hierarchy(hierarchy(seed=1))
    assert not same(tables, twin)


def test_without_a_hierarchy_there_are_no_tables():
    with pytest.raises(ConfigError, match="no mesh hierarchy yet"):
        SpiralTables((40, 12), (6, 5)).levels()


def test_hierarchy_of_other_sizes_is_refused(tables, hierarchy):
    with pytest.raises(ConfigError, match=r"level_sizes \[40, 12, 5\], the .* has \[44, 12, 5\]"):
        tables.load_hierarchy(hierarchy((44, 12, 5)))
    with pytest.raises(ConfigError, match=r"spiral_lengths \[6, 5, 4\]"):
        tables.load_hierarchy(hierarchy(lengths=(6, 5, 5)))


@pytest.mark.parametrize(("sizes", "lengths"), [((40,), (6,)), ((40, 12), (6, 5, 4))])
def test_levels_must_go_together(sizes, lengths):
    with pytest.raises(ConfigError, match="at least two levels each"):
        SpiralTables(sizes, lengths)
