from __future__ import annotations

import torch

from lightning_face_eventvit.networks.baselines.clip import prepare_frames, resize_frames


def test_only_bytes_are_scaled():
    grey = torch.tensor([0, 51, 255], dtype=torch.uint8)
    torch.testing.assert_close(prepare_frames(grey, torch.float64), grey.double() / 255)
    torch.testing.assert_close(prepare_frames(grey.double(), torch.float32), grey.float())


def test_resizing_takes_the_pixel_at_the_floor_of_the_position():
    clip = torch.arange(2 * 3 * 5 * 7).reshape(2, 3, 1, 5, 7).to(torch.uint8)
    rows = [index * 5 // 9 for index in range(9)]
    columns = [index * 7 // 9 for index in range(9)]
    resized = resize_frames(clip, 9)
    assert resized.dtype == torch.uint8
    assert torch.equal(resized, clip[..., rows, :][..., columns])
