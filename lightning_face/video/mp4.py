"""Encoding of MP4 files with H.264 pictures and AAC sound."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_face.optional import optional_import
from lightning_face.video.audio import AudioTrack

__all__ = ["Mp4Encoder"]

# Constant quality at which compression is hard to see.
_QUALITY = {"crf": "18"}
_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)


class Mp4Encoder:
    """Encoder of one MP4 file that plays everywhere: 4:2:0 colours, index at the front."""

    def __init__(self, path: Path, fps: float, audio: AudioTrack | None) -> None:
        """Open the file.

        Args:
            path: File to write, whatever its suffix.
            fps: Frames each second.
            audio: Sound that begins with the first frame.

        Raises:
            ConfigError: PyAV is not installed.
        """
        self._av = optional_import("av", extra="video")
        self._rate = Fraction(fps).limit_denominator(65_535)
        self._container = self._av.open(
            str(path), "w", format="mp4", options={"movflags": "faststart"}
        )
        self._video: Any = self._container.add_stream("h264", rate=self._rate, options=_QUALITY)
        self._video.pix_fmt = "yuv420p"
        self._sound = None if audio is None else _Sound(self._av, self._container, audio)
        self._frames = 0

    def add(self, picture: NDArray[np.uint8]) -> None:
        """Append a frame (height, width, 3)."""
        height, width = picture.shape[:2]
        if height % 2 or width % 2:
            # 4:2:0 needs even sides
            picture = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        if not self._frames:
            self._video.height, self._video.width = picture.shape[:2]
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame.pts = self._frames
        frame.time_base = 1 / self._rate
        self._container.mux(self._video.encode(frame))
        self._frames += 1
        if self._sound is not None:
            # sound goes along with the pictures, for players that read the file in order
            self._sound.write_until(self._frames / self._rate)

    def finish(self) -> None:
        """Write what is left of pictures and sound."""
        if self._sound is not None:
            self._sound.finish()
        self._container.mux(self._video.encode(None))

    def close(self) -> None:
        """Close the file."""
        self._container.close()


class _Sound:
    """Stream of sound in a container, written piece by piece."""

    def __init__(self, av: Any, container: Any, audio: AudioTrack) -> None:  # noqa: ANN401
        rate = min((r for r in _AAC_RATES if r >= audio.sample_rate), default=_AAC_RATES[-1])
        self._av = av
        self._container = container
        self._stream: Any = container.add_stream("aac", rate=rate, layout="mono")
        self._audio = audio
        self._written = 0

    def write_until(self, seconds: Fraction) -> None:
        self._write(int(seconds * self._audio.sample_rate))

    def finish(self) -> None:
        self._write(len(self._audio.samples))
        self._container.mux(self._stream.encode(None))

    def _write(self, end: int) -> None:
        samples = self._audio.samples[self._written : end]
        if not len(samples):
            return
        frame = self._av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples[None], np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate = self._audio.sample_rate
        frame.pts = self._written
        frame.time_base = Fraction(1, self._audio.sample_rate)
        self._container.mux(self._stream.encode(frame))
        self._written += len(samples)
