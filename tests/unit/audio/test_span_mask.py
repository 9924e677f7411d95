from __future__ import annotations

import pytest
import torch

from lightning_face.audio.span_mask import span_mask


@pytest.mark.parametrize("size", [10, 15, 25, 100, 400])
def test_masks_are_whole_spans(size):
    torch.manual_seed(0)
    mask = span_mask(50, size, 0.05, 10, 2)
    assert mask.shape == (50, size)
    edges = torch.diff(mask.int(), prepend=torch.zeros(50, 1), append=torch.zeros(50, 1), dim=1)
    for row in edges:
        begins, ends = (row == 1).nonzero(), (row == -1).nonzero()
        assert ((ends - begins) >= 10).all()
        assert len(begins)


def test_the_minimum_holds_as_far_as_there_is_room():
    torch.manual_seed(0)
    assert (span_mask(200, 15, 0.05, 10, 2).sum(dim=1) == 10).all()
    covered = span_mask(200, 100, 0.05, 10, 2).sum(dim=1)
    assert covered.min() > 10
    assert covered.max() == 20


def test_the_fraction_is_met_in_the_mean():
    torch.manual_seed(0)
    fraction = torch.stack([span_mask(8, 1000, 0.05, 10, 0) for _ in range(100)]).float().mean()
    # spans that overlap cover a little less
    assert 0.044 < fraction < 0.05


def test_nothing_is_hidden_without_fraction_and_minimum():
    assert not span_mask(3, 50, 0.0, 10, 0).any()


def test_masks_follow_the_seed():
    torch.manual_seed(3)
    first = span_mask(2, 100, 0.05, 10, 2)
    second = span_mask(2, 100, 0.05, 10, 2)
    torch.manual_seed(3)
    assert torch.equal(span_mask(2, 100, 0.05, 10, 2), first)
    assert not torch.equal(first, second)
