from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch.nn import functional

from lightning_face_mambast.mambast import MambaST
from lightning_face_mambast.pair_stylizer import PairStylizer
from lightning_face_mambast.shuffle import StyleShuffle
from lightning_face_mambast.tiles import stylize_tiled, tile_starts

MODES = ["fixed", "none"]


@pytest.fixture
def remembering() -> MambaST:
    """A network whose states remember far, so that a tile's missing surroundings show."""
    torch.manual_seed(0)
    return MambaST(
        width=32, d_state=8, num_encoder_layers=2, num_decoder_layers=2, init="s4d"
    ).eval()


def smooth(height: int, width: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 8, 8, generator=generator)
    return functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)


def whole(network, content, style, mode="fixed", strength=1.0):
    return PairStylizer(network, [StyleShuffle(mode)], strength)(content, style)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("strength", [1.0, 0.5])
@pytest.mark.parametrize("size", [(64, 64), (23, 51), (8, 30)], ids=["full", "odd", "low"])
def test_picture_that_fits_into_one_tile_is_stylised_in_one_pass(remembering, mode, strength, size):
    content, style = smooth(*size, 0), smooth(40, 24, 1)
    tiled = stylize_tiled(remembering, content, style, StyleShuffle(mode), 64, 16, strength)
    expected = whole(remembering, content, style, mode, strength)
    torch.testing.assert_close(tiled, expected)


@pytest.mark.parametrize("mode", MODES)
def test_tiles_stay_close_to_a_single_pass(remembering, mode):
    content, style = smooth(203, 277, 0), smooth(64, 64, 1)
    expected = whole(remembering, content, style, mode)
    tiled = stylize_tiled(remembering, content, style, StyleShuffle(mode), 128, 32)
    assert tiled.shape == content.shape
    assert (tiled - expected).abs().mean() < 0.1 * expected.std()


def test_larger_tiles_come_closer(remembering):
    content, style = smooth(192, 192, 0), smooth(64, 64, 1)
    expected = whole(remembering, content, style)
    errors = [
        float(
            (stylize_tiled(remembering, content, style, StyleShuffle(), tile, 32) - expected)
            .abs()
            .mean()
        )
        for tile in (64, 128, 192)
    ]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-6


@pytest.mark.parametrize(
    ("side", "tile", "overlap"),
    [(520, 512, 64), (277, 128, 32), (100, 128, 32), (1000, 64, 8), (129, 64, 32)],
)
def test_tiles_cover_the_side_and_overlap_enough(side, tile, overlap):
    starts = tile_starts(side, tile, overlap)
    assert starts[0] == 0
    assert all(start % 8 == 0 for start in starts)
    assert starts[-1] + tile >= side
    assert starts[-1] < side
    gaps = [second - first for first, second in pairwise(starts)]
    assert all(0 < gap <= tile - overlap for gap in gaps)


@pytest.mark.parametrize(("tile", "overlap"), [(60, 8), (64, 12), (64, 40), (64, 0)])
def test_sizes_that_do_not_fit_the_patches_are_refused(network, tile, overlap):
    picture = torch.rand(1, 3, 16, 16)
    with pytest.raises(ValueError, match="multiples of 8"):
        stylize_tiled(network, picture, picture, StyleShuffle(), tile, overlap)
