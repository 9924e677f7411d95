from __future__ import annotations

import argparse
import os
import pickle
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from lightning_face.checkpoint import load_checkpoint, load_tensors
from lightning_face.checkpoint.io import AtomicCheckpointIO
from lightning_face.errors import CheckpointError

READERS = [load_checkpoint, load_tensors, AtomicCheckpointIO().load_checkpoint]
WEIGHTS = {"layer.weight": torch.arange(6.0).view(2, 3), "layer.bias": torch.ones(2)}


class Malicious:
    """Runs a command when it is unpickled."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self):
        return os.system, (f"touch {self.witness}",)


@pytest.mark.parametrize("environment", [{}, {"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}])
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("read", READERS)
def test_code_in_a_file_is_not_run(tmp_path, monkeypatch, read, zipped, environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    path, witness = tmp_path / "evil.ckpt", tmp_path / "witness"
    torch.save(
        {"state_dict": WEIGHTS, "payload": Malicious(witness)},
        path,
        _use_new_zipfile_serialization=zipped,
    )
    with pytest.raises(CheckpointError, match="would run code") as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "system" in str(caught.value)
    assert not witness.exists()


def test_the_payload_of_these_tests_works(tmp_path):
    pickle.loads(pickle.dumps(Malicious(tmp_path / "witness")))  # noqa: S301
    assert (tmp_path / "witness").exists()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("suffix", [".ckpt", ".safetensors"])
def test_a_truncated_file_is_one_line(tmp_path, share, suffix):
    path = tmp_path / f"weights{suffix}"
    if suffix == ".safetensors":
        save_file(WEIGHTS, path)
    else:
        torch.save(WEIGHTS, path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(CheckpointError, match="damaged") as caught:
        load_tensors(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("read", READERS)
def test_a_missing_file_is_named(tmp_path, read):
    with pytest.raises(CheckpointError, match=r"no such checkpoint file: .*absent\.ckpt"):
        read(tmp_path / "absent.ckpt")


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("content", [b"<html>not found</html>", b"PK\x03\x04junk", b"\x80\x02junk"])
def test_a_file_of_another_kind_is_one_line(tmp_path, read, content):
    path = tmp_path / "page.ckpt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda weights: weights,
        lambda weights: OrderedDict(weights),
        lambda weights: {"state_dict": weights, "epoch": 3},
        lambda weights: {"model": weights, "optimizer": {"state": {0: torch.ones(1)}}},
        lambda weights: {"model": {"state_dict": weights}},
        lambda weights: {"model_state_dict": weights, "args": argparse.Namespace(lr=0.1)},
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_weights_come_out_of_the_usual_wrappers(tmp_path, wrap, zipped):
    path = tmp_path / "weights.pth"
    torch.save(wrap(WEIGHTS), path, _use_new_zipfile_serialization=zipped)
    tensors = load_tensors(path)
    assert tensors.keys() == WEIGHTS.keys()
    assert all(torch.equal(tensors[name], WEIGHTS[name]) for name in WEIGHTS)


def test_several_networks_keep_their_names(tmp_path):
    torch.save({"G": WEIGHTS, "D": {"net": WEIGHTS}, "epoch": 1}, tmp_path / "gan.pt")
    assert set(load_tensors(tmp_path / "gan.pt")) == {
        "G.layer.weight",
        "G.layer.bias",
        "D.net.layer.weight",
        "D.net.layer.bias",
    }


def test_safetensors(tmp_path):
    save_file(WEIGHTS, tmp_path / "weights.safetensors")
    assert load_tensors(tmp_path / "weights.safetensors").keys() == WEIGHTS.keys()


@pytest.mark.parametrize("content", [{"epoch": 3}, [1, 2], {"losses": {"a": 0.5}}])
def test_a_file_without_tensors_is_no_weights_file(tmp_path, content):
    torch.save(content, tmp_path / "log.pt")
    with pytest.raises(CheckpointError, match="not a weights file"):
        load_tensors(tmp_path / "log.pt")
