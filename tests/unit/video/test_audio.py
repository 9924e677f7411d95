from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import ConfigError
from lightning_face.video import AudioTrack


@pytest.mark.parametrize("samples", [np.zeros((2, 5), np.float32), np.zeros(5, np.int16)])
def test_sound_is_one_channel_of_floating_numbers(samples):
    with pytest.raises(ConfigError, match="one flat channel"):
        AudioTrack(samples, 16_000)


def test_sound_has_a_rate():
    with pytest.raises(ConfigError, match="sample_rate=0"):
        AudioTrack(np.zeros(5, np.float32), 0)


@pytest.mark.parametrize("scale", [1e-3, 5.0])
def test_waveforms_of_any_size_are_heard_alike(scale):
    wave = np.sin(np.linspace(0, 20, 100)).astype(np.float32)
    track = AudioTrack.from_waveform(scale * wave, 16_000)
    np.testing.assert_allclose(track.samples, 0.9 * wave / np.abs(wave).max(), rtol=1e-5)
    assert track.samples.dtype == np.float32


def test_silence_stays_silent():
    assert not AudioTrack.from_waveform(np.zeros(5, np.float32), 16_000).samples.any()
