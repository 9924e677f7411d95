"""What another program computes with a file is what the network computes."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import Tensor, nn

from lightning_face.checkpoint.onnx_file import write_onnx
from lightning_face.errors import ConfigError


class Sum(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Linear(3, 2)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.scale(first) + second


@pytest.fixture
def inputs() -> dict[str, Tensor]:
    return {"first": torch.randn(2, 3), "second": torch.randn(2, 2)}


@pytest.fixture
def sizes():
    batch = torch.export.Dim("batch")
    return ({0: batch}, {0: batch})


def test_file_computes_what_the_network_does_at_other_sizes(inputs, sizes, tmp_path):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    network = Sum().eval().requires_grad_(False)
    path = tmp_path / "sum.onnx"
    run = write_onnx(network, inputs, "total", sizes, path, "lightning-face", {"made": "here"})
    more = [torch.randn(5, 3), torch.randn(5, 2)]
    torch.testing.assert_close(run(*more), network(*more))
    written = onnx.load(path)
    assert [each.name for each in written.graph.input] == ["first", "second"]
    assert [each.name for each in written.graph.output] == ["total"]
    assert {each.key: each.value for each in written.metadata_props}["made"] == "here"


def test_missing_packages_are_named_with_what_to_install(inputs, sizes, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ConfigError, match=r"pip install 'lightning-face-sis\[onnx\]'"):
        write_onnx(Sum(), inputs, "total", sizes, tmp_path / "a.onnx", "lightning-face-sis")
    assert not list(tmp_path.iterdir())
