from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError, DataError
from lightning_face_eventvit.networks.baselines import EncoderDecoder


def make(**settings) -> EncoderDecoder:
    torch.manual_seed(0)
    return EncoderDecoder(**{"num_classes": 3, "num_frames": 3, "dim": 8, "mlp_dim": 8} | settings)


@torch.no_grad()
def test_memory_starts_as_the_class_token_and_takes_in_later_frames():
    network = make().eval()
    # the classifier sees the class token of the second step alone
    network.fc1.weight[:, :8] = 0
    network.fc1.weight[:, 16:] = 0
    clip = torch.rand(1, 3, 1, 56, 56)
    first, last = clip.clone(), clip.clone()
    first[:, 0], last[:, 2] = 0, 0
    torch.testing.assert_close(network(last), network(clip))
    assert not torch.allclose(network(first), network(clip), atol=1e-5)


@torch.no_grad()
def test_a_single_frame_is_told_by_the_class_token_alone():
    network = make(num_frames=1).eval()
    expected = network.fc1(network.cls_token_decoder[:, 0])
    torch.testing.assert_close(network(torch.rand(1, 1, 1, 60, 60)), expected)


def test_clips_of_another_length_are_refused():
    with pytest.raises(DataError, match="clips of 3 frames and got 4"):
        make()(torch.zeros(1, 4, 1, 56, 56))


@pytest.mark.parametrize("patch_size", [0, 15, 72, 360])
def test_patches_that_do_not_divide_the_frame_are_refused(patch_size):
    with pytest.raises(ConfigError, match=f"patch_size of {patch_size} is no divisor"):
        make(patch_size=patch_size)


def test_widths_that_heads_do_not_divide_are_refused():
    with pytest.raises(ConfigError, match="dim 10 is no multiple"):
        make(dim=10)
