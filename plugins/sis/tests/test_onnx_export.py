from __future__ import annotations

import sys

import pytest
import torch
from torch import nn

from lightning_face.errors import ConfigError, RunError
from lightning_face_sis import onnx_export
from lightning_face_sis.networks.generator import CA2SISGenerator
from lightning_face_sis.onnx_export import export_decoder

CLASSES, CONTEXT = 3, 20


@pytest.fixture
def generator():
    torch.manual_seed(0)
    network = CA2SISGenerator(
        CLASSES, style_dim=4, grid=(2, 3), mask_size=8, heads=(2,) * 5, head_dims=(8,) * 5
    )
    for name, parameter in network.named_parameters():
        if name.endswith(("conv2.weight", "proj_out.weight")):
            nn.init.normal_(parameter, std=0.1)
    return network


@pytest.fixture
def masks_and_styles():
    # another batch than that of the export, and an identity behind the classes
    return torch.rand(3, CLASSES, 32, 48).round(), torch.rand(3, CLASSES + 1, CONTEXT)


@torch.no_grad()
def test_onnx_runtime_paints_the_same(tmp_path, generator, masks_and_styles):
    import onnxruntime

    path = tmp_path / "decoder.onnx"
    assert export_decoder(generator, path) < 1e-4
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert {each.name: each.shape for each in session.get_inputs()} == {
        "masks": ["batch", CLASSES, 32, 48],
        "styles": ["batch", "tokens", CONTEXT],
    }
    masks, styles = masks_and_styles
    (found,) = session.run(["images"], {"masks": masks.numpy(), "styles": styles.numpy()})
    wanted = generator.decode(generator.embed_mask(masks), styles).images
    torch.testing.assert_close(torch.from_numpy(found), wanted, atol=1e-4, rtol=0)


@torch.no_grad()
def test_torch_export_paints_the_same_and_leaves_the_network_alone(
    tmp_path, generator, masks_and_styles
):
    generator.train()
    export_decoder(generator, tmp_path / "decoder.pt2")
    assert generator.training
    assert all(each.requires_grad for each in generator.parameters())
    masks, styles = masks_and_styles
    found = torch.export.load(tmp_path / "decoder.pt2").module()(masks, styles)
    wanted = generator.decode(generator.embed_mask(masks), styles).images
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=0)


def test_a_network_that_does_not_stand_the_comparison_is_not_written(
    tmp_path, generator, monkeypatch
):
    older = tmp_path / "decoder.pt2"
    older.write_bytes(b"an older export")

    def off(decoder, inputs, path):
        path.write_bytes(b"new")
        return lambda masks, styles: decoder(masks, styles) + 0.002

    monkeypatch.setattr(onnx_export, "_write_program", off)
    with pytest.raises(RunError, match=r"differs from the given one by 0\.002"):
        export_decoder(generator, older)
    assert older.read_bytes() == b"an older export"
    assert [file.name for file in tmp_path.iterdir()] == ["decoder.pt2"]


def test_other_kinds_of_file_are_refused(tmp_path, generator):
    with pytest.raises(ConfigError, match=r"decoder.bin must end in \.onnx or \.pt2"):
        export_decoder(generator, tmp_path / "decoder.bin")


@pytest.mark.parametrize("missing", ["onnxscript", "onnxruntime"])
def test_missing_packages_are_named(tmp_path, generator, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigError, match=rf"{missing}.*lightning-face-sis\[onnx\]"):
        export_decoder(generator, tmp_path / "decoder.onnx")
