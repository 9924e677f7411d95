from __future__ import annotations

import pytest
import torch

from lightning_face.errors import WeightsError
from lightning_face_mars.networks.position_embedding import grid_side, resize_position_embedding


def test_a_grid_of_the_right_size_is_left_alone():
    embedding = torch.randn(1, 17, 8)
    assert resize_position_embedding(embedding, 4) is embedding


def test_class_row_is_kept_and_a_flat_grid_stays_flat():
    embedding = torch.ones(1, 17, 8)
    embedding[:, 0] = 5
    resized = resize_position_embedding(embedding, 24)
    assert resized.shape == (1, 577, 8)
    assert torch.equal(resized[:, 0], embedding[:, 0])
    torch.testing.assert_close(resized[:, 1:], torch.ones(1, 576, 8))


def test_a_ramp_along_rows_stays_one():
    ramp = torch.arange(16.0).view(1, 16, 1) // 4
    resized = resize_position_embedding(torch.cat([ramp[:, :1], ramp], dim=1), 8)
    grid = resized[0, 1:, 0].view(8, 8)
    assert torch.equal(grid.argsort(dim=0), torch.arange(8)[:, None].expand(8, 8))
    torch.testing.assert_close(grid, grid[:, :1].expand(8, 8))


def test_type_is_kept():
    assert resize_position_embedding(torch.ones(1, 5, 8).bfloat16(), 3).dtype == torch.bfloat16


@pytest.mark.parametrize("patches", [15, 288])
def test_grids_that_are_not_square_are_refused(patches):
    with pytest.raises(WeightsError, match="no square"):
        grid_side(patches)
