"""How the strength of an expression grows and fades within a sentence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import ConfigError

__all__ = ["Envelope"]

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Envelope:
    """How the strength of an expression grows and fades within a sentence.

    Attributes:
        attack: Seconds from nothing to full strength.
        hold: Seconds at full strength; None holds until the fading has to begin.
        release: Seconds from full strength back to nothing.
    """

    attack: float = 0.0
    hold: float | None = None
    release: float = 0.0

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigError: If a time is negative.
        """
        for name in ("attack", "hold", "release"):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise ConfigError(f"envelope.{name} {value}: seconds of at least 0 are needed")

    def at(self, frames: range, num_frames: int, frame_rate: float) -> Floats:
        """Return the strength of frames.

        Args:
            frames: Numbers of the frames.
            num_frames: Frames of the whole sentence.
            frame_rate: Frames each second.

        Returns:
            Factors in 0..1 ``(frames,)``.
        """
        seconds = np.arange(frames.start, frames.stop) / frame_rate
        end = num_frames / frame_rate
        if self.hold is not None:
            end = min(end, self.attack + self.hold + self.release)
        rising = seconds / self.attack if self.attack else np.ones(len(seconds))
        falling = (end - seconds) / self.release if self.release else seconds < end
        return np.clip(np.minimum(rising, falling), 0.0, 1.0).astype(np.float32)
