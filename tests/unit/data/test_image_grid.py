from __future__ import annotations

import pytest
import torch

from lightning_face.data.image_grid import make_grid, to_uint8


def test_frames_every_picture_in_black():
    images = torch.ones(3, 3, 4, 5)
    sheet = make_grid(images, columns=2, padding=2)
    assert sheet.shape == (3, 2 * 6 + 2, 2 * 7 + 2)
    assert torch.equal(sheet[:, 2:6, 2:7], images[0])
    assert sheet.sum() == images.sum()
    assert sheet[:, 8:12, 9:14].sum() == 0, "the place of the missing fourth picture stays black"


@pytest.mark.parametrize(("columns", "size"), [(1, (16, 7)), (3, (6, 19)), (8, (6, 19))])
def test_sheet_is_no_wider_than_the_batch(columns, size):
    assert make_grid(torch.rand(3, 3, 4, 5), columns=columns, padding=1).shape[1:] == size


def test_keeps_the_order_of_the_batch():
    images = torch.arange(6.0).view(6, 1, 1, 1)
    assert make_grid(images, columns=3, padding=0)[0].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_single_picture_is_returned_without_a_frame():
    image = torch.rand(1, 3, 4, 5)
    assert torch.equal(make_grid(image), image[0])


@pytest.mark.parametrize("shape", [(3, 4, 5), (0, 3, 4, 5), (2, 4, 4, 5)])
def test_refuses_what_is_not_a_batch_of_pictures(shape):
    with pytest.raises(ValueError, match="expected pictures"):
        make_grid(torch.zeros(shape))


@pytest.mark.parametrize(
    ("value", "expected"),
    [(-0.3, 0), (0.0, 0), (1.0, 255), (1.7, 255), (100.49 / 255, 100), (100.51 / 255, 101)],
)
def test_rounds_to_the_nearest_of_256_levels_and_clamps(value, expected):
    assert to_uint8(torch.full((1, 3, 2, 2), value)).unique().tolist() == [expected]


def test_eight_bit_pictures_survive_a_round_trip():
    levels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(levels / 255), levels)
