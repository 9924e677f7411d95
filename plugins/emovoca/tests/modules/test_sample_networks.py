"""The networks that come with the package."""

from __future__ import annotations

import pytest
import torch

from lightning_face_emovoca.data.sample import sample_folder
from lightning_face_emovoca.data.template_files import TemplateFiles
from lightning_face_emovoca.modules.sample_networks import (
    load_sample_network,
    write_sample_network,
)


@pytest.mark.parametrize("name", ["desd", "es2d"])
def test_networks_have_the_hierarchy_of_the_sample(name):
    hierarchy = TemplateFiles.read(sample_folder() / "src" / "template").hierarchy
    network = load_sample_network(name).network
    kept = {key: value.clone() for key, value in network.tables.state_dict().items()}
    network.load_hierarchy(hierarchy)
    assert all(torch.equal(value, kept[key]) for key, value in network.tables.state_dict().items())


@pytest.mark.parametrize("name", ["desd", "es2l", "es2d"])
def test_networks_are_read_as_they_were_written(name, tmp_path, monkeypatch):
    module = load_sample_network(name)
    assert not module.training
    (tmp_path / "copies").mkdir()
    write_sample_network(module, tmp_path / "copies" / f"sample_{name}.safetensors")
    monkeypatch.setattr("importlib.resources.files", lambda package: tmp_path / "copies")
    again = load_sample_network(name)
    assert again.hparams == module.hparams
    expected = module.state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in again.state_dict().items())
