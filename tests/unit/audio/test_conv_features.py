from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from lightning_face.audio import SpeechEncoder, interpolate_features
from lightning_face.audio.conv_features import ConvFeatures

pytest.importorskip("transformers")


def encoder(**config):
    torch.manual_seed(0)
    tiny = {**SpeechEncoder.tiny().settings["config"], **config}
    built = SpeechEncoder(tiny).eval()
    with torch.no_grad():
        for parameter in built.feature_extractor.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return built


def by_the_library(built, waveform):
    hidden = waveform[:, None]
    for layer in built.feature_extractor.conv_layers:
        hidden = layer(hidden)
    return hidden.transpose(1, 2)


@pytest.mark.parametrize("norm", ["group", "layer"])
@pytest.mark.parametrize("conv_bias", [False, True])
@pytest.mark.parametrize(("batch", "samples"), [(1, 400), (1, 17_600), (3, 5_000), (1, 100_001)])
def test_features_are_those_of_the_library(norm, conv_bias, batch, samples):
    built = encoder(feat_extract_norm=norm, conv_bias=conv_bias)
    # neither mean nor variance of a recording may be taken for granted
    waveform = 0.3 * torch.randn(batch, samples) + 0.2
    features = built.features_of(waveform)
    expected = by_the_library(built, waveform)
    assert features.count == expected.shape[1] == built.num_features(samples)
    torch.testing.assert_close(features.between(0, features.count), expected, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize(("first", "stop"), [(0, 1), (7, 250), (311, 312)])
@pytest.mark.parametrize("norm", ["group", "layer"])
def test_a_part_is_a_part_of_the_whole(first, stop, norm):
    built = encoder(feat_extract_norm=norm)
    waveform = torch.randn(2, 100_001)
    expected = by_the_library(built, waveform)[:, first:stop]
    part = built.features_of(waveform).between(first, stop)
    torch.testing.assert_close(part, expected, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("total", [1, 20, 187, 400])
def test_frames_of_a_part_are_those_of_the_whole(total):
    # in single precision the library's places of the frames are off by some 1e-5 features
    features = encoder().double().features_of(torch.randn(1, 100_001, dtype=torch.float64))
    whole = interpolate_features(features.between(0, features.count), total)
    cuts = sorted({0, total // 3, total // 3 + 1, total})
    parts = [
        features.at_frames(range(first, stop), total)
        for first, stop in pairwise(cuts)
        if stop > first
    ]
    torch.testing.assert_close(torch.cat(parts, dim=1), whole)


def test_a_part_takes_only_its_own_samples():
    built = encoder()
    waveform = torch.randn(1, 100_001)
    features = ConvFeatures(built.feature_extractor.conv_layers, waveform)
    before = features.between(100, 200)
    waveform[:, : 100 * 320] = 0.0
    waveform[:, 199 * 320 + 400 :] = 0.0
    assert torch.equal(features.between(100, 200), before)


def test_half_precision_is_that_of_the_weights():
    built = encoder().to(torch.bfloat16)
    waveform = torch.randn(1, 8_000)
    features = built.features_of(waveform).between(0, 20)
    assert features.dtype == torch.bfloat16
    expected = by_the_library(built.float(), waveform)[:, :20]
    torch.testing.assert_close(features.float(), expected, atol=0.1, rtol=0.05)
