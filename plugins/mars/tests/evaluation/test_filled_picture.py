"""Pictures that are filled in."""

from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face_mars.data.transforms import unnormalize
from lightning_face_mars.evaluation.filled_picture import fill_in, from_patches
from lightning_face_mars.losses import to_patches


def test_patches_are_laid_out_as_they_were_cut(pictures):
    assert torch.equal(from_patches(to_patches(pictures, 16), 16), pictures)


def test_what_is_seen_stays(small_network, texts, pictures):
    noise = torch.rand(1, 16, generator=torch.Generator().manual_seed(0))
    ids, mask = (each[:1] for each in texts)
    made = fill_in(small_network(), pictures[0], ids, mask, noise, mask_ratio=0.75)
    original = unnormalize(pictures[0])
    torch.testing.assert_close(made.original, original)
    kept = noise[0].argsort()[:4].tolist()
    for patch in range(16):
        rows = slice(16 * (patch // 4), 16 * (patch // 4) + 16)
        columns = slice(16 * (patch % 4), 16 * (patch % 4) + 16)
        seen = torch.equal(made.seen[:, rows, columns], original[:, rows, columns])
        filled = torch.equal(made.filled[:, rows, columns], original[:, rows, columns])
        assert (seen, filled) == (patch in kept,) * 2
        assert made.seen[:, rows, columns].std() > 0.1 or patch not in kept
    assert {name: each.size for name, each in made.pictures().items()} == dict.fromkeys(
        ("original", "seen", "filled"), (64, 64)
    )


def test_other_words_fill_in_other_things(small_network, texts, pictures):
    network, noise = small_network(), torch.rand(1, 16)
    made = [
        fill_in(network, pictures[0], ids[None], mask[None], noise).filled
        for ids, mask in zip(*texts, strict=True)
    ]
    assert not torch.equal(made[0], made[1])


def test_a_network_without_the_branch(small_network, texts, pictures):
    network = small_network(reconstruction=False)
    with pytest.raises(ConfigError, match="no reconstruction branch"):
        fill_in(network, pictures[0], *(each[:1] for each in texts), torch.rand(1, 16))
