from __future__ import annotations

import torch

from lightning_face_eventvit.networks.baselines.patch_embedding import PatchEmbedding


def test_patches_are_ordered_by_row_column_frame_and_channel():
    embedding = PatchEmbedding(4, patch_size=2, channels=3, frame_patch_size=2)
    batch, frames, channels, height, width = shape = (2, 4, 3, 4, 6)
    clip = torch.arange(batch * frames * channels * height * width).reshape(shape)
    patches = embedding[0](clip)
    assert patches.shape == (2, 2, 6, 24)
    for slot, row, column in ((0, 0, 0), (1, 0, 2), (1, 1, 1)):
        expected = [
            clip[1, 2 * slot + frame, channel, 2 * row + y, 2 * column + x]
            for y in range(2)
            for x in range(2)
            for frame in range(2)
            for channel in range(3)
        ]
        assert patches[1, slot, 3 * row + column].tolist() == expected


def test_norms_stand_on_both_sides_of_the_projection():
    keys = PatchEmbedding(4, patch_size=2, channels=1).state_dict()
    assert {key: tuple(each.shape) for key, each in keys.items()} == {
        "1.weight": (4,),
        "1.bias": (4,),
        "2.weight": (4, 4),
        "2.bias": (4,),
        "3.weight": (4,),
        "3.bias": (4,),
    }
