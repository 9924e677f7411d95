"""Prepared sounds."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from lightning_face.audio import load_audio, normalize_waveform, waveform_cache, write_wav
from lightning_face.audio.waveform_cache import cached_waveform
from lightning_face.errors import DataError


@pytest.fixture
def wav(tmp_path, monkeypatch):
    """A recording, and an empty cache."""
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "a.wav"
    write_wav(path, np.random.default_rng(0).uniform(-0.5, 0.5, 9000).astype(np.float32), 22050)
    return path


def test_sounds_are_normalised_at_16_khz_and_read_once(wav, monkeypatch):
    first = np.array(cached_waveform(wav))
    np.testing.assert_array_equal(first, normalize_waveform(load_audio(wav, 16000)))
    assert len(first) == pytest.approx(9000 * 16000 / 22050, abs=1)
    assert abs(first.mean()) < 1e-5
    assert first.std() == pytest.approx(1, abs=1e-4)
    monkeypatch.setattr(waveform_cache, "load_audio", lambda *_: pytest.fail("read again"))
    np.testing.assert_array_equal(cached_waveform(wav), first)


def test_a_changed_sound_is_prepared_again(wav):
    first = np.array(cached_waveform(wav))
    write_wav(wav, np.random.default_rng(1).uniform(-0.5, 0.5, 8000).astype(np.float32), 22050)
    assert len(cached_waveform(wav)) < len(first)


@pytest.mark.parametrize("kept", [0, 10, 1000])
def test_a_damaged_entry_is_made_again_and_said(wav, tmp_path, caplog, kept):
    first = np.array(cached_waveform(wav))
    (entry,) = (tmp_path / "cache/waveforms").iterdir()
    entry.write_bytes(entry.read_bytes()[:kept])
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(cached_waveform(wav), first)
    assert f"{entry} is damaged" in caplog.text
    np.testing.assert_array_equal(np.load(entry), first)


@pytest.mark.parametrize("content", [None, b"", b"RIFF no sound"])
def test_missing_and_damaged_sounds_are_named(wav, content):
    wav.unlink()
    if content is not None:
        wav.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.wav"):
        cached_waveform(wav)
