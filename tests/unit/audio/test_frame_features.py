from __future__ import annotations

import pytest
import torch
from torch import nn

from lightning_face.audio import interpolate_features, num_features, num_frames
from lightning_face.audio.frame_features import CONV_KERNELS, CONV_STRIDES


@pytest.mark.parametrize(
    ("samples", "features"), [(0, 0), (399, 0), (400, 1), (719, 1), (720, 2), (16_000, 49)]
)
def test_features_of_a_recording(samples, features):
    assert num_features(samples) == features


@pytest.mark.parametrize("samples", [400, 5000, 12_345, 16_000])
def test_the_count_is_what_convolutions_give(samples):
    hidden = torch.zeros(1, 1, samples)
    for kernel, stride in zip(CONV_KERNELS, CONV_STRIDES, strict=True):
        hidden = nn.functional.conv1d(hidden, torch.zeros(1, 1, kernel), stride=stride)
    assert num_features(samples) == hidden.shape[-1]


@pytest.mark.parametrize(("fps", "frames"), [(30, 29), (25, 24), (50, 49), (60, 58), (29.97, 29)])
def test_frames_of_a_second(fps, frames):
    assert num_frames(16_000, fps) == frames


@pytest.mark.parametrize("frames", [1, 2, 17, 49, 120])
def test_ends_meet_ends_and_between_it_is_linear(frames):
    features = torch.linspace(-1, 1, 49)[None, :, None] * torch.tensor([1.0, 3.0])
    stretched = interpolate_features(features, frames)
    expected = torch.linspace(-1, 1, frames)[None, :, None] * torch.tensor([1.0, 3.0])
    torch.testing.assert_close(stretched, expected)


def test_as_many_frames_as_features_are_the_features():
    features = torch.randn(2, 30, 4)
    assert interpolate_features(features, 30) is features
