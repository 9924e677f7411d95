"""Generators from every kind of file."""

from __future__ import annotations

import shutil

import lightning.pytorch as pl
import pytest
import torch
from safetensors.torch import save_file

from lightning_face.checkpoint.weights import save_weights
from lightning_face.errors import WeightsError
from lightning_face_emovoca.builder.generator import (
    bundled_generator,
    load_generator,
    read_generator,
    write_generator,
)
from lightning_face_emovoca.builder.header import check_generator
from lightning_face_emovoca.builder.settings import BuildSettings
from lightning_face_emovoca.builder.sources import find_sources
from lightning_face_emovoca.importer import export_reference
from lightning_face_emovoca.modules.de_sd_module import DESDModule
from lightning_face_emovoca.modules.es2d_module import ES2DModule


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


@pytest.mark.parametrize("name", ["emovoca_generator.tar", ""])
def test_published_file_beside_the_template(generator, small_root, tmp_path, name):
    shutil.copytree(small_root / "src" / "template", tmp_path / "published")
    weights = export_reference(generator.network.state_dict())
    content = {"epoch": 1, "autoencoder_state_dict": weights, "optimizer_state_dict": {}}
    torch.save(content, tmp_path / "published" / "emovoca_generator.tar")
    found = load_generator(tmp_path / "published" / name).network
    # published weights need the shift, and are in metres
    assert found.tables.level0_shift
    assert found.scale == 1
    for key, value in generator.network.state_dict().items():
        torch.testing.assert_close(found.state_dict()[key], value, msg=key)


def test_checkpoint(generator, tmp_path):
    module = DESDModule(**generator.settings)
    module.network.load_state_dict(generator.network.state_dict())
    trainer = pl.Trainer(logger=False, enable_checkpointing=False, accelerator="cpu")
    trainer.strategy.connect(module)
    trainer.save_checkpoint(tmp_path / "one.ckpt")
    found = load_generator(tmp_path / "one.ckpt")
    for key, value in generator.network.state_dict().items():
        torch.testing.assert_close(found.network.state_dict()[key], value, msg=key)
    write_generator(tmp_path / "again.safetensors", found)


def test_checkpoint_of_something_else(generator, tmp_path):
    module = ES2DModule(
        generator.settings["level_sizes"],
        generator.settings["spiral_lengths"],
        decoder_widths=[16, 8, [8, 3]],
    )
    trainer = pl.Trainer(logger=False, enable_checkpointing=False, accelerator="cpu")
    trainer.strategy.connect(module)
    trainer.save_checkpoint(tmp_path / "one.ckpt")
    with pytest.raises(WeightsError, match="holds ES2DModule, which is no DE-SD"):
        load_generator(tmp_path / "one.ckpt")


def test_bundled_generator_is_for_the_sample():
    check_generator(load_generator(None), find_sources(BuildSettings()))


def test_bundled_generator_stays_small():
    assert bundled_generator().stat().st_size < 420_000


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
