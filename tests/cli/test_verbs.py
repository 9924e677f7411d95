"""Verbs beside those that run the trainer."""

from __future__ import annotations

import pytest
import torch


def test_a_command_of_a_plugin_is_listed_and_runs(cli):
    assert "greet" in cli("--help").stdout
    result = cli("greet", "you", "--loud")
    assert result.status == 3
    assert result.stdout == "hello you --loud\n"


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["fti"], "'fit'"),
        (["great"], "'greet'"),
        (["list", "modles"], "models"),
        (["info", "toy-modle"], "'toy-model'"),
        (["import", "toy-model"], "SOURCE"),
        (["import", "toy-modle", "x.pth", "-o", "y"], "'toy-model'"),
        (["import", "toy-model", "absent.pth", "-o", "y"], "absent.pth"),
        (["import", "toy-model", "x.pth", "-o", "y", "--speed", "3"], "--speed"),
        (["export", "absent.ckpt", "-o", "y"], "absent.ckpt"),
        (["experiments", "absent"], "absent"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_one_line_and_status_2(cli, words, part):
    result = cli(*words)
    assert result.status == 2
    assert part in result.error


def test_a_broken_plugin_does_not_hinder_the_listing(cli):
    result = cli("list")
    assert result.status == 0
    for part in ("toy-model", "broken", "lightning-face-toy 0.3", "ToyModel"):
        assert part in result.stdout
    assert "toy-data" not in cli("list", "models").stdout


def test_info_tells_of_every_group(cli, toy):
    result = cli("info", "toy-model")
    assert result.status == 0
    parts = ("models", "importers", "lightning-face-toy 0.3", "A toy.", "A linear map")
    for part in (*parts, str(toy / "lightning_face_toy.py")):
        assert part in result.stdout


def test_import_writes_weights_that_run(cli, tmp_path):
    source = tmp_path / "published.pth"
    tensors = {"0.weight": torch.ones(1, 4), "0.bias": torch.zeros(1), "step": torch.ones(1)}
    torch.save(tensors, source)
    result = cli("import", "toy-model", source, "-o", tmp_path / "weights")
    assert result.status == 0, result.stderr
    assert "2 mapped, 0 missing, 1 ignored" in result.stdout
    result = cli("test", "--init_from", tmp_path / "weights", "--data", "toy-data")
    assert result.status == 0, result.stderr
    # the weights are the plane on which the points lie
    assert "0.0" in result.stdout


def test_import_refuses_another_model(cli, tmp_path):
    source = tmp_path / "published.pth"
    torch.save({"0.weight": torch.ones(1, 5), "0.bias": torch.zeros(1)}, source)
    result = cli("import", "toy-model", source, "-o", tmp_path / "weights")
    assert result.status == 2
    assert "shape" in result.error
    assert not (tmp_path / "weights").exists()
