"""What is checked and cut before sequences are compared."""

from __future__ import annotations

import pytest
import torch

from lightning_face.metrics.talking_head.sequences import point_sets, same_frames


def test_the_longer_sequence_is_cut(noise):
    pred, target = same_frames(noise(5, 4, 3), noise(3, 4, 3))
    assert pred.shape == target.shape == (3, 4, 3)
    assert torch.equal(pred, noise(5, 4, 3)[:3])


@pytest.mark.parametrize(
    ("shape", "message"),
    [((5, 3), "must be"), ((5, 4, 2), "must be"), ((0, 4, 3), "empty"), ((5, 6, 3), "6 vertices")],
)
def test_what_is_no_such_sequence_is_refused(noise, shape, message):
    with pytest.raises(ValueError, match=message):
        same_frames(noise(*shape), noise(5, 4, 3))


def test_padding_is_left_out(noise):
    points = noise(2, 4, 3)
    frames = point_sets("target", points, torch.tensor([3, 4]))
    assert [len(frame) for frame in frames] == [3, 4]
    assert torch.equal(frames[0], points[0, :3])


@pytest.mark.parametrize(
    ("lengths", "message"), [([3], "1 lengths"), ([0, 4], "frame 0 of target"), (None, "no frames")]
)
def test_wrong_lengths_are_refused(noise, lengths, message):
    points = noise(2, 4, 3) if lengths else []
    with pytest.raises(ValueError, match=message):
        point_sets("target", points, lengths and torch.tensor(lengths))
