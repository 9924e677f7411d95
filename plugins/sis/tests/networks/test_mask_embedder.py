from __future__ import annotations

import pytest
import torch

from lightning_face_sis.networks.mask_embedder import MaskEmbedder


@pytest.mark.parametrize("grid", [(4, 4), (4, 8)])
def test_a_class_has_a_latent_picture(grid):
    assert MaskEmbedder(grid, 16)(torch.ones(2, 3, 24, 40)).shape == (2, 3, *grid)


@torch.no_grad()
def test_all_classes_share_one_map(random_masks):
    embedder, masks = MaskEmbedder((4, 4), 16), random_masks(2, 3)
    torch.testing.assert_close(embedder(masks.flip(1)), embedder(masks).flip(1))


@torch.no_grad()
def test_masks_are_read_row_by_row_at_the_nearest_pixel():
    embedder = MaskEmbedder((2, 2), 4)
    embedder.projection.weight.zero_()
    embedder.projection.bias.zero_()
    embedder.projection.weight[1, 6] = 1
    masks = torch.zeros(1, 1, 8, 4)
    # row 1 and column 2 of 4x4 are row 2 and column 2 of 8x4
    masks[0, 0, 2, 2] = 1
    assert embedder(masks).tolist() == [[[[0, 1], [0, 0]]]]


def test_published_size():
    assert sum(each.numel() for each in MaskEmbedder().parameters()) == 4_194_560
