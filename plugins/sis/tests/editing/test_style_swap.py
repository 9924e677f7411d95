from __future__ import annotations

import pytest
import torch

from lightning_face_sis.editing import blend_styles, swap_styles


@pytest.fixture
def codes():
    return torch.randn(2, 4, 6), torch.randn(2, 4, 6)


def test_only_chosen_classes_are_taken(codes):
    own, other = codes
    before = own.clone()
    swapped = swap_styles(own, other, [1, 3])
    assert torch.equal(swapped[:, [1, 3]], other[:, [1, 3]])
    assert torch.equal(swapped[:, [0, 2]], own[:, [0, 2]])
    assert torch.equal(own, before), "the codes given are left alone"


def test_without_classes_the_whole_style_is_taken(codes):
    own, other = codes
    taken = swap_styles(own, other)
    assert torch.equal(taken, other)
    taken.zero_()
    assert other.any(), "the result is a copy"


def test_no_class_changes_nothing(codes):
    assert torch.equal(swap_styles(*codes, []), codes[0])


def test_one_image_can_give_its_style_to_a_batch(codes):
    own, other = codes
    swapped = swap_styles(own, other[:1], [2])
    assert torch.equal(swapped[:, 2], other[:1, 2].expand(2, -1))


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_blends_lie_between(codes, weight):
    own, other = codes
    blended = blend_styles(own, other, weight, [0])
    expected = weight * own[:, 0] + (1 - weight) * other[:, 0]
    torch.testing.assert_close(blended[:, 0], expected)
    assert torch.equal(blended[:, 1:], own[:, 1:])
