from __future__ import annotations

import pytest
import torch

from lightning_face_mambast.cnn_decoder import CNNDecoder
from lightning_face_mambast.patch_embed import PatchEmbed


def test_number_of_parameters_is_the_published_one():
    with torch.device("meta"):
        assert sum(each.numel() for each in CNNDecoder().parameters()) == 3_505_219
        assert sum(each.numel() for each in PatchEmbed().parameters()) == 98_816


@pytest.mark.parametrize("grid", [(2, 3), (5, 2)])
def test_makes_a_picture_eight_times_larger(grid):
    image = CNNDecoder(16)(torch.randn(1, 16, *grid))
    assert image.shape == (1, 3, 8 * grid[0], 8 * grid[1])


def test_result_is_not_clamped():
    decoder = CNNDecoder(16)
    decoder[-1].bias.data.fill_(5.0)
    assert decoder(torch.randn(1, 16, 2, 2)).min() > 1


def test_width_must_be_divisible():
    with pytest.raises(ValueError, match="multiple of 8"):
        CNNDecoder(12)


def test_s4d_start_values_let_more_of_the_signal_through():
    torch.manual_seed(0)
    tokens = torch.randn(4, 64, 4, 4)
    deviations = {
        init: CNNDecoder(64, init)(tokens).std(dim=0).mean() for init in ("reference", "s4d")
    }
    assert deviations["s4d"] > 30 * deviations["reference"]
    assert 0.1 < deviations["s4d"] < 3
