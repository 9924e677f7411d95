"""Sounds of the sample: a voice that glides between two vowels as the mouth opens and closes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Utterance", "draw_utterance", "subject_number"]

Floats = NDArray[np.float64]

# formants in hertz: "ee" with the mouth closed, "ah" with the mouth open
_CLOSED = np.array([280.0, 2300.0, 3000.0])
_OPEN = np.array([850.0, 1250.0, 2600.0])
_BANDWIDTHS = np.array([90.0, 120.0, 200.0])
_STRENGTHS = np.array([1.0, 0.9, 0.3])
# one for all voices: features as few as those of a tiny encoder mistake pitch for colour
_PITCH, _HIGHEST = 150.0, 4000.0
_LOUDNESS, _NOISE = 0.12, 0.004


@dataclass(frozen=True)
class Utterance:
    """Movement of a mouth over time and the sound it makes.

    Attributes:
        seconds: How long it lasts.
        rates: Two rates of the opening in hertz.
        phases: Their phases.
        noise_seed: Seed of the breath in the sound.
    """

    seconds: float
    rates: tuple[float, float]
    phases: tuple[float, float]
    noise_seed: int

    def opening(self, times: Floats) -> Floats:
        """Return the opening of the mouth, 0 closed to 1 wide open.

        Args:
            times: Moments in seconds.
        """
        fast, slow = (
            2 * np.pi * rate * times + phase
            for rate, phase in zip(self.rates, self.phases, strict=True)
        )
        return 0.5 + 0.5 * np.sin(fast) * np.cos(slow)

    def sound(self, sample_rate: int) -> NDArray[np.float32]:
        """Return the voice in -1..1 ``(samples,)``.

        Loudness is the same all along, so that only the colour of the sound tells how far the
        mouth is open.

        Args:
            sample_rate: Samples per second.
        """
        times = np.arange(round(self.seconds * sample_rate)) / sample_rate
        opening = self.opening(times)[:, None]
        formants = _CLOSED + opening * (_OPEN - _CLOSED)
        harmonics = np.arange(1, int(_HIGHEST / _PITCH) + 1)
        total = np.zeros_like(times)
        power = np.zeros_like(times)
        for harmonic in harmonics:
            frequency = harmonic * _PITCH
            resonance = _STRENGTHS / (1 + ((frequency - formants) / _BANDWIDTHS) ** 2)
            strength = resonance.sum(axis=1)
            total += strength * np.sin(2 * np.pi * frequency * times + harmonic**2)
            power += strength**2
        noise = np.random.default_rng(self.noise_seed).standard_normal(len(times))
        voice = _LOUDNESS * total / np.sqrt(power) + _NOISE * noise
        return np.clip(voice, -1, 1).astype(np.float32)


def subject_number(subject: str) -> int:
    """Return a number of a subject that does not depend on the other subjects.

    Args:
        subject: Name of the subject.
    """
    return int(hashlib.sha256(subject.encode()).hexdigest()[:8], 16)


def draw_utterance(seconds: float, random: np.random.Generator) -> Utterance:
    """Make up an utterance of two to three openings a second.

    Args:
        seconds: How long it lasts.
        random: Source of every choice.
    """
    first, second = random.uniform(0, 2 * np.pi, 2)
    return Utterance(
        seconds=seconds,
        rates=(random.uniform(2.2, 3.2), random.uniform(0.7, 1.2)),
        phases=(first, second),
        noise_seed=int(random.integers(2**32)),
    )
