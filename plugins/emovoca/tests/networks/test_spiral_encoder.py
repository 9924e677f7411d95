from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lightning_face.errors import ConfigError
from lightning_face_emovoca.networks.row_tables import pooled_rows, spiral_rows
from lightning_face_emovoca.networks.spiral_encoder import SpiralEncoder
from lightning_face_emovoca.networks.spiral_tables import SpiralTables

LENGTHS = (6, 5, 4)


def encoded_step_by_step(encoder, hierarchy, x, shift):
    """All vertices convolved, then pooled by a matrix."""
    if not shift:
        x = F.pad(x, (0, 0, 0, 1))
    for level, convolutions in enumerate(encoder.levels()):
        shifted = shift and level == 0
        spirals = torch.from_numpy(spiral_rows(hierarchy.spirals[level], shifted))
        for convolution in convolutions:
            x = convolution(x, spirals)
        fine = hierarchy.level_sizes[level]
        rows = pooled_rows(hierarchy.down[level], fine, shifted)
        matrix = torch.zeros(len(rows), x.shape[1])
        for coarse, row in enumerate(rows):
            matrix[coarse, row] = float(row >= 0)
        x = matrix @ x
    return x


@pytest.mark.parametrize("widths", [(7, 8), ((5, 7), 8), (7, (8, 6))])
@pytest.mark.parametrize("shift", [False, True])
@pytest.mark.parametrize("first_kept", [0, 1])
def test_is_convolution_and_pooling(hierarchy, widths, shift, first_kept):
    meshes = hierarchy(first_kept=first_kept)
    tables = SpiralTables(meshes.level_sizes, LENGTHS, shift)
    tables.load_hierarchy(meshes)
    encoder = SpiralEncoder(LENGTHS, widths)
    x = torch.randn(3, 40, 3)
    expected = encoded_step_by_step(encoder, meshes, x, shift)
    assert torch.allclose(encoder(x, tables), expected, atol=1e-6)
    assert encoder.out_channels == expected.shape[2]


@pytest.mark.parametrize("widths", [(7,), (7, 8, 9), (7, ())])
def test_widths_of_other_levels_are_refused(widths):
    with pytest.raises(ConfigError, match=r"encoder_widths \[7.*asks for 2 entries"):
        SpiralEncoder(LENGTHS, widths)
