"""Encoding of animated GIF files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightning_face.errors import ConfigError

__all__ = ["GifEncoder"]

# Browsers slow down animations whose frames are shorter than two hundredths of a second.
_MAX_FPS = 50


class GifEncoder:
    """Encoder of one GIF that repeats for ever; its frames are held until the end."""

    def __init__(self, path: Path, fps: float) -> None:
        """Begin without frames.

        Args:
            path: File to write, whatever its suffix.
            fps: Frames each second.

        Raises:
            ConfigError: The rate is above 50 frames a second.
        """
        if fps > _MAX_FPS:
            raise ConfigError(
                f"fps={fps}: a GIF shows at most {_MAX_FPS} frames a second; write an .mp4"
            )
        self._path = path
        self._fps = fps
        self._frames: list[Image.Image] = []

    def add(self, picture: NDArray[np.uint8]) -> None:
        """Append a frame (height, width, 3)."""
        image = Image.fromarray(picture)
        self._frames.append(image.quantize(256, dither=Image.Dither.NONE))

    def finish(self) -> None:
        """Write the file."""
        # lengths are whole hundredths of a second: rounding their ends keeps the mean rate
        ends = np.rint(np.arange(len(self._frames) + 1) * 100 / self._fps)
        self._frames[0].save(
            self._path,
            format="GIF",
            save_all=True,
            append_images=self._frames[1:],
            duration=(np.diff(ends) * 10).astype(int).tolist(),
            loop=0,
        )

    def close(self) -> None:
        """Forget the frames."""
        self._frames.clear()
