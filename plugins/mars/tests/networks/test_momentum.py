from __future__ import annotations

import pytest
import torch

from lightning_face_mars.networks.momentum import follow


@pytest.mark.parametrize("momentum", [0.0, 0.995, 1.0])
def test_weights_follow_in_place(momentum):
    leaders = [torch.randn(3, 2, requires_grad=True), torch.randn(5)]
    followers = [torch.randn(3, 2), torch.randn(5)]
    expected = [
        momentum * each + (1 - momentum) * leader
        for each, leader in zip(followers, leaders, strict=True)
    ]
    places = [each.data_ptr() for each in followers]
    follow(followers, leaders, momentum)
    assert [each.data_ptr() for each in followers] == places
    for each, value in zip(followers, expected, strict=True):
        torch.testing.assert_close(each, value.detach())
        assert not each.requires_grad
