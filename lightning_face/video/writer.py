"""Writing of video files, as MP4 with optional sound or as animated GIF."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.errors import ConfigError, DataError
from lightning_face.video.audio import AudioTrack
from lightning_face.video.gif import GifEncoder
from lightning_face.video.mp4 import Mp4Encoder

__all__ = ["VideoWriter", "write_video"]


class _Encoder(Protocol):
    def add(self, picture: NDArray[np.uint8]) -> None: ...

    def finish(self) -> None: ...

    def close(self) -> None: ...


class VideoWriter:
    """Writer of one video file, as a context manager.

    The file appears when the block ends without an error; until then an older file of the name
    stays.

    Attributes:
        count: Frames added so far.
    """

    def __init__(self, path: Path | str, fps: float, audio: AudioTrack | None = None) -> None:
        """Choose the format by the suffix of the path.

        Args:
            path: File to write, ``.mp4`` or ``.gif``.
            fps: Frames each second, at most 50 for GIF.
            audio: Sound that begins with the first frame, only for MP4.

        Raises:
            ConfigError: The format is unknown or cannot hold what is asked for.
        """
        self.path = Path(path)
        self.fps = fps
        self.audio = audio
        self.count = 0
        self._suffix = self.path.suffix.lower()
        if self._suffix not in (".mp4", ".gif"):
            raise ConfigError(f"{path}: videos are written as .mp4 or .gif")
        if not 0 < fps < math.inf:
            raise ConfigError(f"fps={fps}: a positive number of frames a second is needed")
        if self._suffix == ".gif" and audio is not None:
            raise ConfigError(f"{path}: a GIF has no sound; write an .mp4")
        self._resources = ExitStack()
        self._encoder: _Encoder | None = None
        self._shape: tuple[int, ...] | None = None

    def __enter__(self) -> VideoWriter:
        """Open the file."""
        with ExitStack() as resources:
            temporary = resources.enter_context(atomic_path(self.path))
            encoder: _Encoder
            if self._suffix == ".gif":
                encoder = GifEncoder(temporary, self.fps)
            else:
                encoder = Mp4Encoder(temporary, self.fps, self.audio)
            resources.callback(encoder.close)
            self._encoder = encoder
            self._resources = resources.pop_all()
        return self

    def add(self, picture: NDArray[np.uint8]) -> None:
        """Append a frame.

        Args:
            picture: Grey levels (height, width), or red, green and blue (height, width, 3), uint8.

        Raises:
            DataError: The picture has another type, or another size than the first one.
        """
        if self._encoder is None:
            raise RuntimeError("frames are added inside the with block of a VideoWriter")
        if picture.ndim == 2:
            picture = np.repeat(picture[..., None], 3, axis=2)
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
            raise DataError(
                f"{self.path}: frames are uint8 of shape (height, width, 3), not "
                f"{picture.dtype} {picture.shape}"
            )
        if self._shape not in (None, picture.shape):
            raise DataError(
                f"{self.path}: the first frame was {self._shape}, this one is {picture.shape}"
            )
        self._shape = picture.shape
        self._encoder.add(picture)
        self.count += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the file, or remove it after an error."""
        with self._resources:
            if error is not None:
                # seen by the temporary file, which then does not take the place of the old one
                raise error
            if self._encoder is None or not self.count:
                raise DataError(f"{self.path}: there is no frame to write")
            self._encoder.finish()


def write_video(
    path: Path | str,
    frames: Iterable[NDArray[np.uint8]],
    fps: float,
    audio: AudioTrack | None = None,
) -> None:
    """Write frames to a video file.

    Args:
        path: File to write, ``.mp4`` or ``.gif``.
        frames: Grey levels (height, width), or red, green and blue (height, width, 3), uint8, all
            of one size.
        fps: Frames each second, at most 50 for GIF.
        audio: Sound that begins with the first frame, only for MP4.

    Raises:
        ConfigError: The format is unknown or cannot hold what is asked for.
        DataError: There are no frames, or they differ in size.
    """
    with VideoWriter(path, fps, audio) as video:
        for frame in frames:
            video.add(frame)
