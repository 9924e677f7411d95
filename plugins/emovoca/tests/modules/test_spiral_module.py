"""What both networks of spiral convolutions take over from the data."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lightning_face.errors import ConfigError, DataError
from lightning_face_emovoca.losses.vertex_weights import landmark_vertex_weights

KINDS = ["desd", "es2d"]


def set_up(module, data, trainer):
    """What a trainer does before it restores weights."""
    data.prepare_data()
    data.setup("test")
    trainer.datamodule = data
    module._trainer = trainer
    module.setup("test")
    return module


@pytest.mark.parametrize("kind", KINDS)
def test_hierarchy_and_weights_of_vertices_are_those_of_the_data(
    make_module, make_data, make_trainer, kind
):
    data = make_data(kind)
    module = set_up(make_module(kind), data, make_trainer())
    tables = module.network.tables
    assert torch.equal(tables.spirals_0, torch.from_numpy(data.hierarchy.spirals[0]))
    expected = landmark_vertex_weights(data.hierarchy.vertices[0], data.embedding)
    assert torch.equal(module.vertex_weights, expected)
    assert "vertex_weights" not in module.state_dict()


def test_weights_of_vertices_come_from_a_file(make_module, make_data, make_trainer, tmp_path):
    data = make_data("es2d")
    count = len(make_module("es2d").vertex_weights)
    given = np.linspace(0, 1, count + 1)
    np.save(tmp_path / "weights.npy", given)
    module = make_module("es2d", vertex_weights=str(tmp_path / "weights.npy"))
    set_up(module, data, make_trainer())
    np.testing.assert_allclose(module.vertex_weights, given[:-1], rtol=1e-6)
    lost = make_module("es2d", vertex_weights=str(tmp_path / "none.npy"))
    with pytest.raises(DataError, match=r"none\.npy"):
        set_up(lost, data, make_trainer())


def test_data_of_other_sizes_are_refused(make_module, make_data, make_trainer):
    module = make_module("es2d", level_sizes=[9, 4, 2], spiral_lengths=[3, 3, 3])
    with pytest.raises(ConfigError, match=r"level_sizes \[9, 4, 2\]"):
        set_up(module, make_data("es2d"), make_trainer())


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_another_hierarchy_are_refused(make_module, make_data, make_trainer, kind):
    data = make_data(kind)
    trained = set_up(make_module(kind), data, make_trainer())
    again = make_module(kind)
    again.load_state_dict(trained.state_dict())
    set_up(again, data, make_trainer())
    other = trained.state_dict()
    other["network.tables.up_weights_0"] = other["network.tables.up_weights_0"] + 0.1
    again = make_module(kind)
    again.load_state_dict(other)
    with pytest.raises(ConfigError, match="another mesh hierarchy"):
        set_up(again, data, make_trainer())
