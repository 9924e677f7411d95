from __future__ import annotations

import pytest
import torch

from lightning_face_sis.data.label_map import one_hot_masks
from lightning_face_sis.editing import swap_shapes

BACKGROUND, SKIN, EYE, HAIR = range(4)


def face(eye, hair=3):
    """A face of 16 pixels: hair above, an eye in the skin, background around."""
    labels = torch.zeros(16, 16, dtype=torch.uint8)
    labels[4:14, 3:13] = SKIN
    labels[1 : 1 + hair, 3:13] = HAIR
    if eye is not None:
        top, left = eye
        labels[top : top + 2, left : left + 3] = EYE
    return one_hot_masks(labels[None, None], 4)


def is_partition(masks):
    return bool((masks.sum(dim=1) == 1).all())


def test_raw_exchanges_channels_and_leaves_holes_and_overlaps():
    own, other = face((6, 4)), face((8, 9))
    swapped = swap_shapes(own, other, [EYE])
    assert torch.equal(swapped.masks[:, EYE], other[:, EYE])
    untouched = [BACKGROUND, SKIN, HAIR]
    assert torch.equal(swapped.masks[:, untouched], own[:, untouched])
    covered = swapped.masks.sum(dim=1)
    assert covered.min() == 0
    assert covered.max() == 2
    assert swapped.exchanged.tolist() == [[False, False, True, False]]


@pytest.mark.parametrize("missing", ["own", "other"])
def test_raw_leaves_a_class_that_one_mask_lacks(missing):
    own, other = face(None), face((8, 9))
    own, other = (own, other) if missing == "own" else (other, own)
    swapped = swap_shapes(own, other, [EYE, HAIR])
    assert torch.equal(swapped.masks[:, EYE], own[:, EYE])
    assert swapped.exchanged.tolist() == [[False, False, False, True]]


def test_each_pair_of_a_batch_is_judged_alone():
    own = torch.cat([face((6, 4)), face(None)])
    other = torch.cat([face((8, 9)), face((8, 9))])
    swapped = swap_shapes(own, other, [EYE])
    assert swapped.exchanged[:, EYE].tolist() == [True, False]
    assert torch.equal(swapped.masks[0, EYE], other[0, EYE])
    assert not swapped.masks[1, EYE].any()


def test_recompose_keeps_every_pixel_in_one_class():
    own, other = face((6, 4)), face((8, 9))
    swapped = swap_shapes(own, other, [EYE], "recompose", [BACKGROUND, SKIN])
    assert is_partition(swapped.masks)
    assert torch.equal(swapped.masks[:, EYE], other[:, EYE])
    assert torch.equal(swapped.masks[:, HAIR], own[:, HAIR])
    assert swapped.masks[0, SKIN, 6:8, 4:7].all(), "skin closes where the eye was"


def test_recompose_takes_a_part_away_that_the_other_lacks():
    swapped = swap_shapes(face((6, 4)), face(None), [EYE], "recompose", [BACKGROUND, SKIN])
    assert torch.equal(swapped.masks, face(None))
    assert swapped.exchanged[0, EYE]


def test_recompose_adds_a_part_that_only_the_other_has():
    swapped = swap_shapes(face(None), face((8, 9)), [EYE], "recompose")
    assert torch.equal(swapped.masks, face((8, 9)))


def test_shorter_hair_uncovers_what_lies_next_to_it():
    longer, shorter = face((6, 4), hair=3), face((6, 4), hair=1)
    swapped = swap_shapes(longer, shorter, [HAIR], "recompose", [BACKGROUND, SKIN])
    assert is_partition(swapped.masks)
    assert torch.equal(swapped.masks[:, HAIR], shorter[:, HAIR])
    uncovered = longer[0, HAIR].bool() & ~shorter[0, HAIR].bool()
    below = swapped.masks[0, [BACKGROUND, SKIN]].sum(dim=0)
    assert below[uncovered].all()


def test_a_mask_of_nothing_else_becomes_background():
    everything = torch.zeros(1, 4, 8, 8)
    everything[:, HAIR] = 1
    other = torch.zeros(1, 4, 8, 8)
    other[:, SKIN] = 1
    swapped = swap_shapes(everything, other, [HAIR], "recompose")
    assert swapped.masks[:, BACKGROUND].all()


@pytest.mark.parametrize("mode", ["raw", "recompose"])
def test_a_mask_swapped_with_itself_stays(mode):
    own = face((6, 4))
    assert torch.equal(swap_shapes(own, own, [EYE, HAIR], mode).masks, own)
