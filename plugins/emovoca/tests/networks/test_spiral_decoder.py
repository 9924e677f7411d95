from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lightning_face.errors import ConfigError
from lightning_face_emovoca.networks import spiral_decoder
from lightning_face_emovoca.networks.row_tables import spiral_rows, upsampled_rows
from lightning_face_emovoca.networks.spiral_decoder import SpiralDecoder
from lightning_face_emovoca.networks.spiral_tables import SpiralTables

LENGTHS = (6, 5, 4)
WIDTHS = (9, 8, (7, 3))


def decoded_step_by_step(decoder, hierarchy, x, shift):
    """Sampled up by a matrix, then gathered along the spirals."""
    x = x.view(len(x), -1, decoder.in_channels)
    levels = reversed(range(len(hierarchy.level_sizes) - 1))
    for level, convolutions in zip(levels, decoder.levels(), strict=True):
        shifted = shift and level == 0
        coarse = hierarchy.level_sizes[level + 1]
        rows, weights = upsampled_rows(*hierarchy.up[level], coarse, shifted)
        matrix = torch.zeros(len(rows), coarse + 1, dtype=x.dtype)
        for fine, (sources, sums) in enumerate(zip(rows, weights, strict=True)):
            for source, weight in zip(sources, sums, strict=True):
                matrix[fine, source] += weight
        x = matrix @ x
        spirals = torch.from_numpy(spiral_rows(hierarchy.spirals[level], shifted))
        for convolution in convolutions:
            x = convolution(x, spirals)
    return x if shift else x[:, :-1]


@pytest.fixture(params=[False, True], ids=["regular", "shifted"])
def parts(request, hierarchy):
    meshes = hierarchy()
    tables = SpiralTables(meshes.level_sizes, LENGTHS, request.param)
    tables.load_hierarchy(meshes)
    return SpiralDecoder(LENGTHS, WIDTHS), meshes, tables, request.param


def test_is_up_sampling_and_convolution(parts):
    decoder, meshes, tables, shift = parts
    x = torch.randn(3, 6 * 9)
    with torch.inference_mode():
        fused = decoder(x, tables)
        expected = decoded_step_by_step(decoder, meshes, x, shift)
    assert fused.shape == (3, 40, 3)
    assert torch.allclose(fused, expected, atol=1e-6)


def test_gradients_are_those_of_up_sampling_and_convolution(parts):
    decoder, meshes, tables, shift = parts
    decoder.double()
    tables.double()
    x = torch.randn(3, 6 * 9, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(3, 40, 3, dtype=torch.float64)
    wanted = [x, *decoder.parameters()]
    ours = torch.autograd.grad((decoder(x, tables) * weights).sum(), wanted)
    expected = decoded_step_by_step(decoder, meshes, x, shift)
    theirs = torch.autograd.grad((expected * weights).sum(), wanted)
    assert all(torch.allclose(*pair, atol=1e-6) for pair in zip(ours, theirs, strict=True))


def test_blocks_of_meshes_make_no_difference(parts, monkeypatch):
    decoder, _, tables, _ = parts
    x = torch.randn(5, 6 * 9)
    whole = decoder(x, tables)
    for name in ("_CPU_BLOCK", "_CPU_TRAINING_BLOCK"):
        monkeypatch.setattr(spiral_decoder, name, 100)
    assert torch.allclose(decoder(x, tables), whole, atol=1e-6)
    with torch.inference_mode():
        assert torch.allclose(decoder(x, tables), whole, atol=1e-6)


def test_stages_are_the_levels(parts):
    decoder, _, tables, shift = parts
    x = torch.randn(3, 6 * 9)
    coarse, fine = decoder.stages(x, tables)
    assert coarse.shape == (12, 3, 8)
    padded = F.pad(fine.transpose(0, 1), (0, 0, 0, int(shift)))
    assert torch.equal(padded, decoder(x, tables))


def test_last_convolution_is_linear():
    decoder = SpiralDecoder(LENGTHS, WIDTHS, "relu")
    names = [each.activation for convolutions in decoder.levels() for each in convolutions]
    assert names == ["relu", "relu", "identity"]


def test_widths_of_other_levels_are_refused():
    with pytest.raises(ConfigError, match=r"decoder_widths \[9, 3\]: .* asks for 3 entries"):
        SpiralDecoder(LENGTHS, (9, 3))
