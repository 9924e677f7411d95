from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face_sis.diffusion.seeds import SeededNoise, seeded_noise


def test_noise_of_an_image_does_not_depend_on_its_batch():
    together = seeded_noise([4, 9, 2], (3, 4, 6))
    assert together.shape == (3, 3, 4, 6)
    for seed, noise in zip([4, 9, 2], together, strict=True):
        assert torch.equal(seeded_noise([seed], (3, 4, 6))[0], noise)


def test_streams_go_on_image_by_image():
    both, alone = SeededNoise([1, 2]), SeededNoise([2])
    for _ in range(3):
        assert torch.equal(both.draw((5,))[1], alone.draw((5,))[0])


def test_noise_is_normal_and_differs():
    noise = seeded_noise(range(8), (3, 32, 32))
    assert abs(float(noise.mean())) < 0.02
    assert abs(float(noise.std()) - 1) < 0.02
    assert not torch.equal(noise[0], noise[1])


def test_the_global_generator_is_left_alone():
    torch.manual_seed(0)
    wanted = torch.randn(3)
    torch.manual_seed(0)
    seeded_noise([5], (3,))
    assert torch.equal(torch.randn(3), wanted)


@pytest.mark.parametrize("seeds", [[], [3, -1]])
def test_bad_seeds(seeds):
    with pytest.raises(ConfigError, match="seeds="):
        seeded_noise(seeds, (1,))
