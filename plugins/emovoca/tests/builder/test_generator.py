"""Generators from every kind of file."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from lightning_face.checkpoint.weights import save_weights
from lightning_face.errors import WeightsError
from lightning_face_emovoca.builder.generator import (
    load_generator,
    read_generator,
    write_generator,
)


@pytest.fixture
def generator(small_generator):
    return read_generator(small_generator)


def same(first, second):
    states = first.network.state_dict(), second.network.state_dict()
    return first.settings == second.settings and all(
        torch.equal(value, states[1][name]) for name, value in states[0].items()
    )


def test_round_trip(generator, tmp_path):
    write_generator(tmp_path / "a.safetensors", generator)
    write_generator(tmp_path / "b.safetensors", generator)
    assert same(load_generator(tmp_path / "a.safetensors"), generator)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert not generator.network.training


def test_exported_weights(generator, tmp_path):
    state = {f"network.{name}": each for name, each in generator.network.state_dict().items()}
    settings = {**generator.settings, "lr": 1e-4, "vertex_weights": None}
    save_weights(tmp_path / "weights", state, {"class_path": "X", "init_args": settings})
    assert same(load_generator(tmp_path / "weights"), generator)


def test_missing_file(tmp_path):
    with pytest.raises(WeightsError, match="there is no such file; give a checkpoint"):
        load_generator(tmp_path / "nowhere.ckpt")


@pytest.mark.parametrize("content", [b"", b"no weights at all"])
def test_damaged_file(tmp_path, content):
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(WeightsError, match=r"a\.safetensors is damaged or no such file"):
        load_generator(tmp_path / "a.safetensors")


@pytest.mark.parametrize("metadata", [None, {"init_args": "{}"}, {"init_args": '{"x": 1}'}])
def test_weights_of_something_else(tmp_path, metadata):
    save_file({"network.weight": torch.zeros(3)}, tmp_path / "a.safetensors", metadata)
    with pytest.raises(WeightsError, match=r"a\.safetensors"):
        load_generator(tmp_path / "a.safetensors")
