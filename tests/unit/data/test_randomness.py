from __future__ import annotations

import torch

from lightning_face.data import sample_generator


def test_each_sample_of_each_epoch_of_each_seed_has_its_own_numbers():
    draws = {
        tuple(torch.rand(2, generator=sample_generator(seed, epoch, index)).tolist())
        for seed in range(5)
        for epoch in range(5)
        for index in range(5)
    }
    assert len(draws) == 125


def test_the_global_generator_plays_no_part():
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = torch.rand(3, generator=sample_generator(0, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert torch.equal(first, torch.rand(3, generator=sample_generator(0, 1, 2)))
