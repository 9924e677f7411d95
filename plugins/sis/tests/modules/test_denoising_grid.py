from __future__ import annotations

import torch

from lightning_face_sis.modules.denoising_grid import denoising_grid


def grid(files: list[str], levels: int = 4) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return list(denoising_grid(files, torch.zeros(len(files), 3, 4, 4), levels, 1000))


def test_every_level_has_its_part_of_the_timesteps():
    found = torch.stack([timesteps for timesteps, _ in grid([f"{n}.jpg" for n in range(20)])])
    for level, timesteps in enumerate(found):
        assert timesteps.min() >= 250 * level
        assert timesteps.max() < 250 * (level + 1)
        assert len(timesteps.unique()) > 10


def test_a_picture_has_its_noise_whatever_batch_it_is_in():
    together = grid(["a/1.jpg", "a/2.jpg"])
    alone = grid(["b/2.jpg"])
    for (times, noise), (time, one) in zip(together, alone, strict=True):
        assert times[1] == time
        assert torch.equal(noise[1:], one)
        assert not torch.equal(noise[0], noise[1])


def test_levels_have_noise_of_their_own():
    (_, first), (_, second) = grid(["1.jpg"], levels=2)
    assert not torch.equal(first, second)
