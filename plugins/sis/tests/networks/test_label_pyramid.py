from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lightning_face_sis.data.label_map import one_hot_masks
from lightning_face_sis.networks.label_pyramid import LabelPyramid


def labels(batch=2, classes=5, height=48, width=64, dtype=torch.uint8):
    draw = torch.Generator().manual_seed(0)
    return torch.randint(classes, (batch, 1, height, width), generator=draw).to(dtype)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64])
@pytest.mark.parametrize("size", [(48, 64), (12, 16), (6, 8), (5, 7), (60, 100)])
def test_small_maps_are_those_of_the_library(size, dtype):
    maps = labels(dtype=dtype)
    expected = F.interpolate(one_hot_masks(maps, 5), size=size, mode="nearest")
    pyramid = LabelPyramid(maps, 5)
    torch.testing.assert_close(pyramid.masks(size), expected)
    torch.testing.assert_close(pyramid.classes(size), expected.argmax(dim=1))


def test_the_pixel_at_the_top_left_of_a_cell_remains():
    maps = torch.arange(256).view(1, 1, 16, 16) % 4
    torch.testing.assert_close(LabelPyramid(maps, 4).classes((4, 2)), maps[:, 0, ::4, ::8])


@pytest.mark.parametrize("unknown", [5, 255])
def test_a_number_that_is_no_class_belongs_to_no_mask(unknown):
    maps = labels()
    maps[:, :, :8] = unknown
    pyramid = LabelPyramid(maps, 5)
    assert (pyramid.classes((6, 8))[:, 0] == 5).all()
    assert (pyramid.masks((6, 8))[:, :, 0] == 0).all()
    assert (pyramid.masks((6, 8))[:, :, 1:].sum(dim=1) == 1).all()


def test_negative_numbers_belong_to_no_mask():
    assert LabelPyramid(torch.full((1, 1, 4, 4), -1), 3).masks((2, 2)).sum() == 0


def test_masks_of_one_class_or_none_become_class_numbers():
    maps = labels()
    masks = one_hot_masks(maps, 5)
    masks[:, :, :8] = 0
    pyramid = LabelPyramid(masks, 5)
    assert pyramid.hard
    torch.testing.assert_close(pyramid.masks((48, 64)), masks)
    assert (pyramid.classes((48, 64))[:, :8] == 5).all()


@pytest.mark.parametrize("change", [lambda m: m * 0.5, lambda m: m + 1, lambda m: -m])
def test_other_masks_stay_soft(change):
    masks = change(one_hot_masks(labels(), 5))
    pyramid = LabelPyramid(masks, 5)
    assert not pyramid.hard
    torch.testing.assert_close(
        pyramid.masks((6, 8)), F.interpolate(masks, size=(6, 8), mode="nearest")
    )
    with pytest.raises(ValueError, match="soft label map"):
        pyramid.classes((6, 8))


def test_gradient_reaches_masks():
    masks = one_hot_masks(labels(), 5).requires_grad_()
    LabelPyramid(masks, 5).masks((6, 8)).sum().backward()
    assert masks.grad.sum() == 2 * 5 * 6 * 8


def test_joined_maps_are_the_maps_behind_each_other():
    hard = LabelPyramid(labels(), 5)
    empty = LabelPyramid(torch.zeros(1, 5, 48, 64), 5)
    soft = LabelPyramid(torch.full((1, 5, 48, 64), 0.5), 5)
    for other, is_hard in ((empty, True), (soft, False)):
        joined = LabelPyramid.cat([other, hard])
        assert joined.hard == is_hard
        assert joined.batch_size == 3
        expected = torch.cat([other.masks((6, 8)), hard.masks((6, 8))])
        torch.testing.assert_close(joined.masks((6, 8)), expected)


def test_maps_of_several_sizes_are_not_joined():
    with pytest.raises(ValueError, match="several sizes"):
        LabelPyramid.cat([LabelPyramid(labels(), 5), LabelPyramid(labels(height=64), 5)])


@pytest.mark.parametrize(
    "maps", [torch.zeros(1, 4, 8, 8), torch.zeros(1, 8, 8), torch.zeros(1, 5, 8, 8).long()]
)
def test_other_shapes_are_refused(maps):
    with pytest.raises(ValueError, match=r"integer labels .* or masks \(batch, 5"):
        LabelPyramid(maps, 5)
