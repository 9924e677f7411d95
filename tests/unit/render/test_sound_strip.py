"""The strip of sound below a video."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.render import SoundStrip
from lightning_face.video import AudioTrack

SIZE = (100, 400)
RATE = 8000


def track(seconds):
    """Silence, and then noise."""
    samples = np.random.default_rng(0).uniform(-1, 1, round(seconds * RATE)).astype(np.float32)
    samples[: len(samples) // 2] *= 0.01
    return AudioTrack(samples, RATE)


def ink(picture, color):
    return np.abs(picture.astype(int) - color).max(axis=2) < 30


def test_now_moves_from_left_to_right():
    strip = SoundStrip(track(2.0), 10, SIZE)
    places = []
    for _ in range(20):
        column = ink(strip.draw(), (0x33, 0x3A, 0x46))[30:78].sum(axis=0)
        places.append(int(column.argmax()))
    assert places == sorted(places)
    assert places[0] < 20
    assert places[-1] - places[0] == pytest.approx(0.95 * (SIZE[1] - 68), abs=2)


def test_sound_is_as_high_as_it_is_loud():
    picture = SoundStrip(track(2.0), 10, SIZE).draw()
    grey = ink(picture, (0xD3, 0xD9, 0xE2))[25:79]
    quiet, loud = grey[:, 30:150].sum(axis=0).mean(), grey[:, 200:330].sum(axis=0).mean()
    assert loud > 10 * quiet


def test_curves_grow_up_to_now_and_stay_in_range():
    strip = SoundStrip(track(2.0), 10, SIZE, ["mouth"], highest=10.0)
    for value in [0.0] * 5 + [10.0] * 5:
        picture = strip.draw([value])
    red = ink(picture, (0xD4, 0x57, 0x2A))[24:]
    columns = np.flatnonzero(red.any(axis=0))
    assert columns.max() < SIZE[1] / 2
    early, late = red[:, 20:60], red[:, 110:150]
    assert np.nonzero(early)[0].mean() > 45
    assert np.nonzero(late)[0].mean() < 10
    strip.draw([1e6])


def test_a_long_recording_is_shown_in_part_and_in_constant_memory():
    strip = SoundStrip(track(60.0), 10, SIZE, ["mouth"], span=4.0)
    places = []
    for _ in range(600):
        picture = strip.draw([1.0])
        places.append(int(ink(picture, (0x33, 0x3A, 0x46))[30:78].sum(axis=0).argmax()))
    assert len(strip._past) <= 42
    assert len(set(places[25:-25])) <= 2, "now stands in the middle"
