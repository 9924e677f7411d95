"""Sound of a video."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import ConfigError

__all__ = ["AudioTrack"]

_LOUDEST = 0.9


@dataclass(frozen=True, eq=False)
class AudioTrack:
    """One channel of sound.

    Attributes:
        samples: Samples in -1..1 (samples,), float32.
        sample_rate: Samples each second.

    Raises:
        ConfigError: The samples are not flat and floating, or the rate is not positive.
    """

    samples: NDArray[np.float32]
    sample_rate: int

    def __post_init__(self) -> None:
        """Check shape, type and rate."""
        if self.samples.ndim != 1 or not np.issubdtype(self.samples.dtype, np.floating):
            raise ConfigError(
                "sound has to be one flat channel of floating numbers in -1..1, not "
                f"{self.samples.dtype} of shape {self.samples.shape}"
            )
        if self.sample_rate < 1:
            raise ConfigError(f"sample_rate={self.sample_rate}: sound has samples every second")

    @classmethod
    def from_waveform(cls, waveform: NDArray[np.float32], sample_rate: int) -> AudioTrack:
        """Undo the normalisation of a recording as far as hearing goes.

        Args:
            waveform: Samples of any size ``(samples,)``.
            sample_rate: Samples each second.
        """
        loudest = max(float(np.abs(waveform).max(initial=0.0)), 1e-9)
        return cls(waveform * np.float32(_LOUDEST / loudest), sample_rate)
