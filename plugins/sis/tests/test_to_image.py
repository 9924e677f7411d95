from __future__ import annotations

import pytest
import torch

from lightning_face_sis.to_image import to_image, to_picture

LEVELS = torch.arange(256, dtype=torch.float32)


def test_fractions_are_cut_off_as_published_or_rounded():
    images = 2 * torch.tensor([0.0, 0.999, 1.0, 127.6, 254.4, 255.0]) / 255 - 1
    assert to_image(images + 1e-5).tolist() == [0, 1, 1, 127, 254, 255]
    assert to_image(images, "nearest").tolist() == [0, 1, 1, 128, 254, 255]


def test_values_out_of_range_are_clamped():
    assert to_image(torch.tensor([-3.0, 3.0])).tolist() == [0, 255]
    assert to_image(torch.tensor([-3.0, 3.0]), "nearest").tolist() == [0, 255]


def test_eight_bit_pictures_come_back_as_they_were():
    images = (LEVELS / 255 - 0.5) / 0.5
    assert torch.equal(to_image(images, "nearest").float(), LEVELS)
    # the published way loses a level where the division left the value a little too small
    assert (LEVELS - to_image(images).float()).max() == 1


@pytest.mark.parametrize(("rounding", "level"), [("reference", 127), ("nearest", 128)])
def test_a_picture_to_save(rounding, level):
    picture = to_picture(torch.zeros(3, 2, 4), rounding)
    assert picture.mode == "RGB"
    assert picture.size == (4, 2)
    assert picture.getpixel((3, 1)) == (level,) * 3
