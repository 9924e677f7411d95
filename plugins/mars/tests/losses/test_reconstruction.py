"""Squares of pictures in the order of the published code."""

from __future__ import annotations

import pytest
import torch

from lightning_face_mars.losses import reconstruction_loss, to_patches


def test_squares_lie_row_by_row_with_colours_last():
    images = torch.arange(2 * 3 * 4 * 6.0).view(2, 3, 4, 6)
    patches = to_patches(images, 2)
    assert patches.shape == (2, 6, 12)
    # the fourth square begins at row 2, column 0
    expected = images[1, :, 2:4, 0:2].permute(1, 2, 0).flatten()
    assert torch.equal(patches[1, 3], expected)


def test_only_hidden_squares_count():
    images = torch.randn(2, 3, 4, 4)
    patches = to_patches(images, 2)
    mask = torch.tensor([[1.0, 0, 0, 0], [1, 1, 0, 0]])
    assert reconstruction_loss(patches, images, mask, 2) == 0
    wrong = patches + 3 * (1 - mask)[:, :, None]
    assert reconstruction_loss(wrong, images, mask, 2) == 0
    # one of three hidden squares is 3 off
    wrong = patches.clone()
    wrong[0, 0] += 3
    assert reconstruction_loss(wrong, images, mask, 2).item() == pytest.approx(3.0)
    assert reconstruction_loss(wrong, images, torch.zeros(2, 4), 2) == 0
