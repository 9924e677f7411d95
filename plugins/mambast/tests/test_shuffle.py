from __future__ import annotations

import pytest
import torch

from lightning_face_mambast.shuffle import StyleShuffle, discarded_draws, draw_permutations


def test_draws_are_permutations():
    drawn = draw_permutations(5, 37)
    assert drawn.shape == (5, 37)
    assert (drawn.sort(dim=-1).values == torch.arange(37)).all()
    assert len(drawn.unique(dim=0)) == 5


def test_draws_are_those_of_one_pass_and_layer_after_another():
    torch.manual_seed(0)
    expected = torch.stack([torch.rand(64).argsort() for _ in range(6)])
    torch.manual_seed(0)
    assert torch.equal(draw_permutations(6, 64), expected)


def test_larger_style_is_sampled_without_repetition():
    drawn = draw_permutations(3, 10, style_tokens=25)
    assert drawn.shape == (3, 10)
    assert all(len(row.unique()) == 10 for row in drawn)
    assert drawn.max() > 9


def test_smaller_style_is_repeated_evenly():
    drawn = draw_permutations(3, 25, style_tokens=10)
    for row in drawn:
        assert set(row.bincount(minlength=10).tolist()) == {2, 3}


def test_number_of_discarded_draws_is_that_of_the_published_constructor():
    assert discarded_draws() == 28_764_160


def test_fixed_mode_repeats_and_random_mode_does_not():
    fixed, other, free = StyleShuffle("fixed", 1), StyleShuffle("fixed", 2), StyleShuffle("random")
    assert torch.equal(fixed(3, 16), fixed(3, 16))
    assert not torch.equal(fixed(3, 16), other(3, 16))
    assert not torch.equal(free(3, 16), free(3, 16))


def test_reference_mode_goes_on_through_the_stream_of_one_seed():
    shuffle = StyleShuffle("reference", seed=5, discard=100)
    generator = torch.Generator().manual_seed(5)
    torch.rand(100, generator=generator)
    for _ in range(2):
        expected = torch.stack([torch.rand(16, generator=generator).argsort() for _ in range(9)])
        assert torch.equal(shuffle(3, 16), expected[:3])


def test_no_shuffle_gives_no_permutation():
    assert StyleShuffle("none")(3, 16) is None


def test_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="reference"):
        StyleShuffle("shuffled")
