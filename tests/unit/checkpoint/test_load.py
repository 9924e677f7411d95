"""A model from a checkpoint or an exported folder, by the file alone."""

from __future__ import annotations

import sys

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer

import lightning_face
from lightning_face import allowlist
from lightning_face.checkpoint import (
    AtomicCheckpointIO,
    export_checkpoint,
    load_checkpoint,
    read_weights,
    save_weights,
)
from lightning_face.errors import CheckpointError, WeightsError
from lightning_face.modules import FaceModule


class Net(FaceModule):
    def __init__(self, width: int = 3, layer: torch.nn.Module | None = None) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["layer"])
        self.net = torch.nn.Linear(width, 2)
        self.layer = layer


class NotOne:
    pass


CLASS_PATH = f"{Net.__module__}.{Net.__name__}"


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """Treat this file as a module of an installed plugin."""
    monkeypatch.setitem(sys.modules, Net.__module__, sys.modules[__name__])
    root = Net.__module__.split(".")[0]
    monkeypatch.setattr(allowlist, "allowed_imports", lambda: ["lightning_face", "torch.nn", root])


@pytest.fixture
def checkpoint(tmp_path):
    trainer = Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        default_root_dir=tmp_path,
        plugins=[AtomicCheckpointIO()],
    )
    model = Net(width=5)
    trainer.strategy.connect(model)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    return tmp_path / "last.ckpt", model


def assert_equal(first: LightningModule, second: LightningModule) -> None:
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name])


def test_from_a_checkpoint(checkpoint):
    path, model = checkpoint
    loaded = lightning_face.load(path)
    assert type(loaded) is Net
    assert loaded.hparams.width == 5
    assert not loaded.training
    assert_equal(model, loaded)


def test_from_an_exported_folder(checkpoint, tmp_path):
    path, model = checkpoint
    export_checkpoint(path, tmp_path / "weights")
    assert read_weights(tmp_path / "weights")[1]["model"] == {
        "class_path": CLASS_PATH,
        "init_args": {"width": 5},
    }
    assert_equal(model, lightning_face.load(tmp_path / "weights"))


def test_nested_components_are_built(checkpoint, tmp_path):
    layer = {"class_path": "torch.nn.PReLU", "init_args": {"num_parameters": 4}}
    tensors = {**load_checkpoint(checkpoint[0])["state_dict"], "layer.weight": torch.zeros(4)}
    init_args = {"width": 5, "layer": layer}
    save_weights(tmp_path / "w", tensors, {"class_path": CLASS_PATH, "init_args": init_args})
    loaded = lightning_face.load(tmp_path / "w")
    assert isinstance(loaded.layer, torch.nn.PReLU)
    assert loaded.layer.weight.shape == (4,)


@pytest.mark.parametrize(
    "model",
    [
        {"class_path": "antigravity.Net"},
        {"class_path": "os.system", "init_args": {"command": "true"}},
        {"class_path": CLASS_PATH, "init_args": {"layer": {"class_path": "antigravity.Net"}}},
        {"class_path": CLASS_PATH, "init_args": {"any": [{"class_path": "antigravity.Net"}]}},
    ],
)
def test_classes_outside_the_core_and_the_plugins_are_not_imported(tmp_path, model):
    save_weights(tmp_path, {"w": torch.zeros(1)}, model)
    with pytest.raises(CheckpointError, match="no installed plugin registers"):
        lightning_face.load(tmp_path)
    assert "antigravity" not in sys.modules


def test_what_is_no_model_is_refused(tmp_path):
    save_weights(tmp_path, {"w": torch.zeros(1)}, {"class_path": f"{Net.__module__}.NotOne"})
    with pytest.raises(CheckpointError, match="not a LightningModule"):
        lightning_face.load(tmp_path)


def test_a_class_that_is_gone_is_named(tmp_path):
    save_weights(tmp_path, {"w": torch.zeros(1)}, {"class_path": "lightning_face.gone.Net"})
    with pytest.raises(CheckpointError, match=r"lightning_face\.gone"):
        lightning_face.load(tmp_path)


def test_weights_that_do_not_fit_are_one_line(checkpoint, tmp_path):
    tensors = load_checkpoint(checkpoint[0])["state_dict"]
    save_weights(tmp_path / "w", tensors, {"class_path": CLASS_PATH, "init_args": {"width": 4}})
    with pytest.raises(WeightsError, match=r"net\.weight") as caught:
        lightning_face.load(tmp_path / "w")
    assert "\n" not in str(caught.value)


def test_a_file_that_names_no_model_says_how_to_make_one_that_does(tmp_path):
    AtomicCheckpointIO().save_checkpoint({"state_dict": {}}, tmp_path / "bare.ckpt")
    with pytest.raises(CheckpointError, match="does not name"):
        lightning_face.load(tmp_path / "bare.ckpt")
    with pytest.raises(CheckpointError, match="FaceModule"):
        export_checkpoint(tmp_path / "bare.ckpt", tmp_path / "weights")
    AtomicCheckpointIO().save_checkpoint({"epoch": 1}, tmp_path / "log.ckpt")
    with pytest.raises(CheckpointError, match="not a training checkpoint"):
        export_checkpoint(tmp_path / "log.ckpt", tmp_path / "weights")
