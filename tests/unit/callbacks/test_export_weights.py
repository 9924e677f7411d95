from __future__ import annotations

import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from lightning_face.callbacks import EMA, ExportWeights
from lightning_face.checkpoint import load_checkpoint, read_weights


def assert_equal(tensors, expected):
    assert tensors.keys() == expected.keys()
    for name, tensor in tensors.items():
        assert torch.equal(tensor, expected[name])


def test_the_last_weights_and_how_to_build_the_model(fit, net, tmp_path):
    _, model = fit(ExportWeights(), model=net(spoilt=-7))
    tensors, config = read_weights(tmp_path / "weights")
    assert_equal(tensors, model.state_dict())
    assert config["model"]["class_path"].endswith(".Net")
    assert config["model"]["init_args"]["spoilt"] == -7


def test_the_average_where_there_is_one(fit, tmp_path):
    ema = EMA(0.5)
    _, model = fit(ema, ExportWeights())
    assert_equal(read_weights(tmp_path / "weights")[0], ema.averaged_state_dict(model))


def test_the_best_checkpoint_where_a_metric_is_watched(fit, tmp_path):
    keeper = ModelCheckpoint(dirpath=tmp_path, monitor="val/epoch", mode="min")
    _, model = fit(keeper, ExportWeights(), enable_checkpointing=True, max_epochs=3)
    tensors, _ = read_weights(tmp_path / "weights")
    assert_equal(tensors, load_checkpoint(keeper.best_model_path)["state_dict"])
    assert not torch.equal(tensors["net.0.weight"], model.state_dict()["net.0.weight"])
