from __future__ import annotations

import math

import numpy as np
import pytest

from lightning_face.audio import normalize_waveform, resample
from lightning_face.audio.waveform import resample_blocks

soxr = pytest.importorskip("soxr")


def noise(count, seed=0):
    return np.random.default_rng(seed).standard_normal(count).astype(np.float32)


@pytest.mark.parametrize("scale", [1e-2, 1.0, 100.0])
@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_normal_recordings_have_mean_0_and_variance_1(scale, shift):
    samples = scale * (noise(20_000) + np.float32(shift))
    normal = normalize_waveform(samples)
    assert normal.dtype == np.float32
    assert normal.mean(dtype=np.float64) == pytest.approx(0, abs=1e-6)
    assert normal.var(dtype=np.float64) == pytest.approx(1, abs=1e-7 / scale**2 * 2 + 1e-5)


def test_the_variance_is_raised_a_little():
    # without it silence between recordings would become full-scale noise
    quiet = np.float32(1e-4) * noise(10_000)
    variance = quiet.var(dtype=np.float64)
    expected = variance / (variance + 1e-7)
    assert normalize_waveform(quiet).var(dtype=np.float64) == pytest.approx(expected, rel=1e-4)


def test_the_recording_itself_is_left_alone():
    samples = noise(100)
    before = samples.copy()
    normalize_waveform(samples)
    np.testing.assert_array_equal(samples, before)


@pytest.mark.parametrize(
    ("count", "source", "target"),
    [
        (100_003, 44_100, 16_000),
        (48_001, 48_000, 16_000),
        (800, 8_000, 16_000),
        (7, 22_050, 16_000),
    ],
)
def test_resampling_is_soxr_at_the_length_of_the_recording(count, source, target):
    samples = noise(count)
    resampled = resample(samples, source, target)
    assert resampled.dtype == np.float32
    assert len(resampled) == math.ceil(count * target / source)
    whole = soxr.resample(samples, source, target, quality="HQ")[: len(resampled)]
    np.testing.assert_allclose(resampled[: len(whole)], whole, atol=1e-6)


def test_blocks_are_resampled_like_the_whole():
    samples = noise(60_000)
    blocks = np.split(samples, [1, 100, 7000, 40_000])
    np.testing.assert_allclose(
        resample_blocks(blocks, 22_050, 16_000), resample(samples, 22_050, 16_000), atol=1e-6
    )


def test_the_same_rate_changes_nothing():
    samples = noise(1000)
    np.testing.assert_array_equal(resample(samples, 16_000, 16_000), samples)
