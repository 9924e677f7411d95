"""Sounds of the sample."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.sample_heads.speech import draw_utterance


@pytest.mark.parametrize("rate", [16000, 22050, 48000])
def test_colour_of_the_sound_follows_the_opening_and_loudness_does_not(rate):
    utterance = draw_utterance(2.0, np.random.default_rng(0))
    sound = utterance.sound(rate)
    assert sound.dtype == np.float32
    assert len(sound) == 2 * rate
    assert np.abs(sound).max() < 1
    window = rate // 25
    blocks = sound[: len(sound) // window * window].reshape(-1, window)
    times = (np.arange(len(blocks)) + 0.5) * window / rate
    opening = utterance.opening(times)
    assert opening.min() >= 0
    assert opening.max() <= 1
    power = np.abs(np.fft.rfft(blocks * np.hanning(window), axis=1)) ** 2
    frequency = np.fft.rfftfreq(window, 1 / rate)
    band = (frequency > 600) & (frequency < 1500)
    share = power[:, band].sum(axis=1) / power.sum(axis=1)
    assert np.corrcoef(share, opening)[0, 1] > 0.8
    assert abs(np.corrcoef(np.sqrt((blocks**2).mean(axis=1)), opening)[0, 1]) < 0.5
