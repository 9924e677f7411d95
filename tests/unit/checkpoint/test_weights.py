from __future__ import annotations

import pytest
import torch
import yaml

from lightning_face.checkpoint import read_weights, save_weights
from lightning_face.errors import WeightsError

MODEL = {"class_path": "lightning_face_toy.Toy", "init_args": {"width": 4, "names": ["a", "b"]}}
FILES = ["weights.safetensors", "config.yaml", "sha256"]


@pytest.fixture
def folder(tmp_path):
    save_weights(tmp_path / "weights", {"w": torch.arange(6.0)}, MODEL)
    return tmp_path / "weights"


def test_round_trip(folder):
    tensors, config = read_weights(folder)
    assert torch.equal(tensors["w"], torch.arange(6.0))
    assert config == {"model": MODEL}
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)


def test_the_config_starts_a_run(folder):
    assert yaml.safe_load((folder / "config.yaml").read_text())["model"] == MODEL


def test_tied_transposed_and_trained_tensors_are_written(tmp_path):
    weight = torch.nn.Parameter(torch.arange(6.0).view(2, 3))
    save_weights(tmp_path, {"one": weight, "tied": weight, "turned": weight.T}, MODEL)
    tensors, _ = read_weights(tmp_path)
    assert torch.equal(tensors["tied"], tensors["one"])
    assert torch.equal(tensors["turned"], tensors["one"].T)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(WeightsError, match=name):
        read_weights(folder)


@pytest.mark.parametrize("name", FILES[:2])
def test_a_changed_byte_is_noticed(folder, name):
    data = bytearray((folder / name).read_bytes())
    data[-2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(WeightsError, match=name):
        read_weights(folder)


def test_writing_again_replaces_the_files(folder):
    save_weights(folder, {"w": torch.zeros(2)}, MODEL)
    assert read_weights(folder)[0]["w"].tolist() == [0, 0]
